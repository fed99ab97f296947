import { UsageError } from "../../errors.ts";
import { type RegistryFlags, refuseWithoutRegistry } from "../over-http/registry-flags.ts";
import type { HoldFlags } from "../readonly/readonly-flags.ts";

/** What the command line says. */
export interface VerifyFlags extends HoldFlags, Omit<RegistryFlags, "key"> {
  /** Per cent; a text is the command's argument, written behind a bare `--checksum`. */
  checksum?: number | string;
  rotate?: boolean;
  repository?: string[];
  strict: boolean;
  concurrency?: number;
  /** `--against FILE`. */
  against?: string;
  repair?: boolean;
  /** `--from FILE|URL`. */
  from?: string;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
  mode?: "read-only" | "offline";
  /** In milliseconds. */
  timeout?: number;
}

/** @throws {UsageError} if options contradict each other */
export function refuseVerifyFlags(flags: VerifyFlags): void {
  // These are of use with --repair too, or with --from.
  refuseWithoutRegistry(flags, ["authFile", "key", "ca"]);
  const { against, repair, repository = [], rotate, checksum, strict } = flags;
  if (against !== undefined && repair) {
    throw new UsageError("--against compares two stores, and --repair changes one", {
      hint: "repair with --repair --from, then compare",
    });
  }
  if (against !== undefined && strict) throw new UsageError("--strict is of no use with --against");
  if (rotate && checksum === undefined) {
    throw new UsageError("--rotate needs to know how much is hashed in a run", {
      hint: "give a share, such as --checksum=5%",
    });
  }
  if (rotate && repository.length > 0) {
    throw new UsageError("--rotate goes through all blobs, so that --repository is of no use with it");
  }
  if (rotate && repair) throw new UsageError("--rotate is of no use with --repair");
  if (repair) {
    if (repository.length > 0) {
      throw new UsageError("--repair looks at all repositories, as they share their blobs", {
        hint: "leave out --repository",
      });
    }
    return;
  }
  const onlyForRepair = ONLY_FOR_REPAIR.find(([name]) => flags[name] !== undefined && flags[name] !== false);
  if (onlyForRepair) throw new UsageError(`${onlyForRepair[1]} is of no use without --repair`);
}

const ONLY_FOR_REPAIR: readonly (readonly [keyof VerifyFlags, string])[] = [
  ["from", "--from"],
  ["authFile", "--auth-file"],
  ["ca", "--ca"],
  ["dryRun", "--dry-run"],
  ["dryrun", "--dryrun"],
  ["yes", "--yes"],
  ["mode", "--mode"],
  ["timeout", "--timeout"],
  ["key", "--key"],
  ["service", "--service"],
];

/** @throws {UsageError} if there is one argument too many */
export function readChecksum(
  checksum: number | string | undefined,
  argument: string | undefined,
): { percent: number | undefined; argument: string | undefined } {
  if (typeof checksum !== "string") return { percent: checksum, argument };
  if (argument !== undefined) {
    throw new UsageError(`too many arguments: ${JSON.stringify(checksum)} and ${JSON.stringify(argument)}`, {
      hint: "give a share as --checksum=5%, and one configuration file",
    });
  }
  return { percent: 100, argument: checksum };
}
