import { type ConfigNode, nodeAt } from "./config-tree.ts";
import type { Finding } from "./finding.ts";
import type { ReadValues } from "./read-values.ts";
import { s3SettingsOf } from "./s3-settings.ts";
import { MIN_FILESYSTEM_THREADS } from "./schema/storage-keys.ts";
import { SectionValues } from "./section-values.ts";
import type { RedirectSettings, StorageSettings, UploadPurgingSettings } from "./settings.ts";

const MINUTE_MS = 60_000;

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-query-string-auth.html the largest X-Amz-Expires */
const MAX_PRESIGNED_MS = 7 * 24 * 60 * MINUTE_MS;

/** What `storage` comes to. */
export interface BuiltStorageSettings {
  storage: StorageSettings;
  redirect: RedirectSettings;
  uploadPurging: UploadPurgingSettings;
  /** What was assumed where the file leaves it open, as lines for people; nothing is wrong. */
  notes: string[];
}

/**
 * Makes settings of `storage`, as far as it is about the driver, redirects and the purging of uploads.
 *
 * @param driver - one that does not exist has no settings, of which a finding tells
 * @param findings - what is to be said is added here
 */
export function storageSettingsOf(
  root: ConfigNode,
  driver: string | undefined,
  values: ReadValues["values"],
  findings: Finding[],
): BuiltStorageSettings {
  const section = (path: string): SectionValues =>
    new SectionValues(path, values, findings, nodeAt(root, path.split("."))?.origin ?? { kind: "default" });
  const rest = {
    redirect: redirectOf(section("storage.redirect")),
    uploadPurging: uploadPurgingOf(section("storage.maintenance.uploadpurging")),
  };
  if (driver === "s3" || driver === "s3_v2") {
    return { ...s3SettingsOf(driver, section(`storage.${driver}`)), ...rest };
  }
  if (driver !== "filesystem") return { storage: { driver: "inmemory" }, ...rest, notes: [] };
  return { storage: filesystemOf(section("storage.filesystem")), ...rest, notes: [] };
}

function filesystemOf(values: SectionValues): StorageSettings {
  const threads = values.number("maxthreads") ?? 100;
  if (threads < MIN_FILESYSTEM_THREADS) {
    values.say("warning", "maxthreads", `is raised to ${MIN_FILESYSTEM_THREADS}, as by the Go registry`);
  }
  const rootDirectory = values.text("rootdirectory") || "/var/lib/registry";
  if (rootDirectory.includes("\0")) values.say("fatal", "rootdirectory", "must have no NUL character");
  return { driver: "filesystem", rootDirectory, maxThreads: Math.max(threads, MIN_FILESYSTEM_THREADS) };
}

function redirectOf(values: SectionValues): RedirectSettings {
  const expiryMs = values.milliseconds("expirydelay", 20 * MINUTE_MS);
  if (expiryMs > MAX_PRESIGNED_MS) {
    values.say("warning", "expirydelay", "is cut to seven days, the most that S3 allows");
  }
  return {
    enabled: !(values.boolean("disable") ?? false),
    expiryMs: Math.min(expiryMs, MAX_PRESIGNED_MS),
  };
}

function uploadPurgingOf(values: SectionValues): UploadPurgingSettings {
  const intervalMs = values.milliseconds("interval", 24 * 60 * MINUTE_MS);
  if (intervalMs < MINUTE_MS) values.say("warning", "interval", "is raised to a minute");
  return {
    enabled: values.boolean("enabled") ?? true,
    ageMs: values.milliseconds("age", 168 * 60 * MINUTE_MS),
    intervalMs: Math.max(intervalMs, MINUTE_MS),
    dryRun: values.boolean("dryrun") ?? false,
  };
}
