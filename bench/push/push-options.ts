import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { CEPH_VERSIONS, type CephVersion } from "../../test/support/ceph/ceph-versions.ts";

/** What the push bench is asked for. */
export interface PushOptions {
  rgw: CephVersion;
  sizeBytes: number;
  runs: number;
  /** How many pushes at once; 0: that is not measured. */
  many: number;
  /** Where the file goes that is pushed. */
  folder: string;
}

const MEBIBYTE = 1024 * 1024;

const USAGE = "usage: push [--rgw 18.2|16.2] [--mib 1024] [--runs N] [--many 64] [--folder FOLDER]";

/**
 * Reads the command line; what is not given is measured in full.
 *
 * @throws {Error} if a flag or its value is wrong, with the usage
 */
export function parsePushOptions(args: readonly string[]): PushOptions {
  try {
    const { values } = parseArgs({
      args: [...args],
      options: {
        rgw: { type: "string", default: "18.2" },
        mib: { type: "string", default: "1024" },
        runs: { type: "string", default: "3" },
        many: { type: "string", default: "64" },
        folder: { type: "string", default: tmpdir() },
      },
    });
    const rgw = CEPH_VERSIONS.find((version) => version === values.rgw);
    if (rgw === undefined) throw new Error(`--rgw ${values.rgw}: expected ${CEPH_VERSIONS.join(" or ")}`);
    return {
      rgw,
      sizeBytes: parseCount("mib", values.mib) * MEBIBYTE,
      runs: parseCount("runs", values.runs),
      many: parseCount("many", values.many),
      folder: values.folder,
    };
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function parseCount(flag: string, text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new Error(`--${flag} ${text}: expected a whole number`);
  return Number(text);
}
