import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { formatBytes } from "../../lib/units.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import {
  countsRequests,
  hasVersionedFiles,
  type KeptVersions,
} from "../../storage/object-store-abilities.ts";

/** What a store keeps of deleted files, or why that is not known. */
export type VersionsReport = KeptVersions | { versioning: "unknown"; problem: string };

/** Counts the requests of one run. */
export class RequestMeter {
  readonly #driver: StorageDriver;
  readonly #before: Readonly<Record<string, number>>;

  constructor(driver: StorageDriver) {
    this.#driver = driver;
    this.#before = countsRequests(driver) ? { ...driver.requests } : {};
  }

  /** @returns the requests since this was made, by kind; undefined where there are none */
  get requests(): Record<string, number> | undefined {
    if (!countsRequests(this.#driver)) return undefined;
    const since = Object.entries(this.#driver.requests).map(([kind, count]): [string, number] => [
      kind,
      count - (this.#before[kind] ?? 0),
    ]);
    return Object.fromEntries(since.filter(([, count]) => count > 0));
  }
}

/**
 * @param limit - so many versions are counted at the most
 * @returns undefined for a store that keeps none
 * @throws {CancelledError}
 */
export async function readKeptVersions(
  driver: StorageDriver,
  limit: number,
): Promise<VersionsReport | undefined> {
  if (!hasVersionedFiles(driver)) return undefined;
  try {
    return await driver.keptVersions(limit);
  } catch (error) {
    if (error instanceof CancelledError) throw error;
    return { versioning: "unknown", problem: messageOf(error) };
  }
}

/** @returns why deleting frees nothing, for people; undefined if it does, or will by itself */
export function versionsWarning(versions: VersionsReport | undefined): string | undefined {
  if (versions === undefined || versions.versioning === "unknown" || versions.versioning === "off")
    return undefined;
  const { versioning, expire, noncurrent } = versions;
  if (expire || (versioning === "suspended" && noncurrent?.files === 0)) return undefined;
  const isKnown = noncurrent !== undefined && (noncurrent.isComplete || noncurrent.files > 0);
  const amount = isKnown ? describeVersions(noncurrent) : "how much is not known";
  const frees = versioning === "on" ? ", so that deleting frees nothing" : "";
  return (
    `the bucket keeps older versions of what was deleted or replaced (${amount}) and no lifecycle rule removes them${frees}: ` +
    "add a rule with NoncurrentVersionExpiration and ExpiredObjectDeleteMarker"
  );
}

/** @returns how many and how large, for people */
export function describeVersions({
  files,
  bytes,
  isComplete,
}: NonNullable<KeptVersions["noncurrent"]>): string {
  return `${isComplete ? "" : "at least "}${files} ${files === 1 ? "version" : "versions"}, ${formatBytes(bytes)}`;
}
