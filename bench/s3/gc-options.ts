import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { CEPH_VERSIONS, type CephVersion } from "../../test/support/ceph/ceph-versions.ts";
import { TREE_M, type TreeShape } from "../gc/tree-shape.ts";

/** What the bench on S3 is asked for. */
export interface GcS3Options {
  rgw: CephVersion;
  shape: TreeShape;
  dryRuns: number;
  realRuns: number;
  /** What the proxy adds to each request; 0: that is not measured. */
  latencyMs: number;
  /** How many objects are listed and classified; 0: that is not measured. */
  listedObjects: number;
  /** Where config files and state folders go. */
  folder: string;
  goLimitSeconds: number;
}

/** A hundred repositories of tree M: 39,000 objects. */
export const TREE_S: TreeShape = { ...TREE_M, repositories: 100 };

const USAGE =
  "usage: gc --driver s3 [--rgw 18.2|16.2] [--repositories N] [--runs N] [--real-runs N] [--latency-ms N] [--list N] [--folder FOLDER] [--go-limit 900s] [--seed N]";

/**
 * Reads the command line; what is not given is measured in full.
 *
 * @throws {Error} if a flag or its value is wrong, with the usage
 */
export function parseGcS3Options(args: readonly string[]): GcS3Options {
  try {
    return readOptions(args);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function readOptions(args: readonly string[]): GcS3Options {
  const text = (value: string) => ({ type: "string" as const, default: value });
  const { values } = parseArgs({
    args: [...args],
    options: {
      driver: text("s3"),
      rgw: text("18.2"),
      repositories: text(String(TREE_S.repositories)),
      runs: text("3"),
      "real-runs": text("1"),
      "latency-ms": text("30"),
      list: text("100000"),
      folder: text(tmpdir()),
      "go-limit": text("900s"),
      seed: text("1"),
    },
  });
  const rgw = CEPH_VERSIONS.find((version) => version === values.rgw);
  if (rgw === undefined) throw new Error(`--rgw ${values.rgw}: expected ${CEPH_VERSIONS.join(" or ")}`);
  return {
    rgw,
    shape: {
      ...TREE_S,
      repositories: parseCount("repositories", values.repositories),
      seed: parseCount("seed", values.seed),
    },
    dryRuns: parseCount("runs", values.runs),
    realRuns: parseCount("real-runs", values["real-runs"]),
    latencyMs: parseCount("latency-ms", values["latency-ms"]),
    listedObjects: parseCount("list", values.list),
    folder: values.folder,
    goLimitSeconds: parseCount("go-limit", values["go-limit"].replace(/s$/, "")),
  };
}

function parseCount(flag: string, text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new Error(`--${flag} ${text}: expected a whole number`);
  return Number(text);
}
