import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stringify } from "yaml";
import type { TestBucket } from "../../test/support/ceph/test-bucket.ts";
import { findProgram } from "../../test/support/programs.ts";
import { runTimed, type TimedRun } from "./run-timed.ts";
import type { SyncOrder, SyncReport } from "./sync-once.ts";

/** Keys begin with it. */
export const ROOT = "images";

/** A program that copies a folder into a bucket. */
export interface Copier {
  name: string;
  /** Copies what the bucket lacks. */
  copy(root: string, bucket: TestBucket, signal: AbortSignal): Promise<TimedRun>;
}

/**
 * Copies a store in a process of its own.
 *
 * @throws {Error} if it fails
 */
export async function runOurSync(
  order: SyncOrder,
  signal: AbortSignal,
): Promise<{ timed: TimedRun; report: SyncReport }> {
  const bench = [...process.execArgv, fileURLToPath(new URL("../run.ts", import.meta.url))];
  const command = [process.execPath, ...bench, "migrate-once", JSON.stringify(order)];
  const timed = await runTimed(command, process.env, signal);
  return { timed, report: JSON.parse(timed.stdout.trim().split("\n").at(-1) ?? "") as SyncReport };
}

/** Ours: the command as an administrator gives it, with its preflight, its rounds, and the verification of what is stable. */
export function ourCopier(folder: string): Copier {
  return {
    name: "registry-ctl",
    copy: async (root, bucket, signal) => {
      const [config, target] = [join(folder, "config.yml"), join(folder, `${bucket.name}.yml`)];
      await writeFile(config, CONFIG.replace("ROOT", root));
      await writeFile(
        target,
        stringify({
          storage: {
            s3: {
              ...{ bucket: bucket.name, region: "us-east-1", regionendpoint: bucket.endpoint },
              ...{ accesskey: bucket.accessKey, secretkey: bucket.secretKey },
              ...{ rootdirectory: ROOT, forcepathstyle: true, secure: false },
            },
          },
        }),
        { mode: 0o600 },
      );
      const flags = [
        "--to",
        "s3",
        "--target-config",
        target,
        "--state-dir",
        join(folder, "state"),
        "--yes",
        "--json",
      ];
      return await runTimed([process.execPath, PROGRAM, "migrate", config, ...flags], process.env, signal);
    },
  };
}

/** No registry runs on it. */
const CONFIG =
  "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ROOT\nhttp:\n  addr: 127.0.0.1:5999\n";
const PROGRAM = fileURLToPath(new URL("../../bin/registry-ctl.js", import.meta.url));

/** @returns undefined where it is not installed */
export function awsCopier(): Copier | undefined {
  const program = findProgram("aws");
  if (program === undefined) return undefined;
  return {
    name: "aws s3 sync",
    copy: (root, bucket, signal) => {
      const env = {
        ...process.env,
        AWS_ACCESS_KEY_ID: bucket.accessKey,
        AWS_SECRET_ACCESS_KEY: bucket.secretKey,
        AWS_DEFAULT_REGION: "us-east-1",
      };
      const to = `s3://${bucket.name}/${ROOT}`;
      const args = ["--endpoint-url", bucket.endpoint, "s3", "sync", "--only-show-errors", root, to];
      return runTimed([program, ...args], env, signal);
    },
  };
}

/** @returns undefined where it is not installed */
export function rcloneCopier(): Copier | undefined {
  const program = findProgram("rclone");
  if (program === undefined) return undefined;
  return {
    name: "rclone sync --transfers 32",
    copy: (root, bucket, signal) => {
      const env = {
        ...process.env,
        // It cannot be combined with rclone's own transport, and nothing is encrypted here.
        AWS_CA_BUNDLE: undefined,
        RCLONE_CONFIG: "/dev/null",
        RCLONE_S3_PROVIDER: "Ceph",
        RCLONE_S3_ENDPOINT: bucket.endpoint,
        RCLONE_S3_ACCESS_KEY_ID: bucket.accessKey,
        RCLONE_S3_SECRET_ACCESS_KEY: bucket.secretKey,
      };
      return runTimed(
        [program, "sync", "--transfers", "32", root, `:s3:${bucket.name}/${ROOT}`],
        env,
        signal,
      );
    },
  };
}
