import { tmpdir } from "node:os";
import { parseArgs } from "node:util";

/** What can be measured. */
const MEASUREMENTS = ["M", "K", "scaling"] as const;

/** A tree, or the row of growing ones. */
export type Measurement = (typeof MEASUREMENTS)[number];

/** What the bench is asked for. */
export interface BenchOptions {
  measurements: readonly Measurement[];
  dryRuns: number;
  realRuns: number;
  folder: string;
  goLimitSeconds: number;
  seed: number;
}

const USAGE =
  "usage: gc [--tree M|K|scaling]... [--runs N] [--real-runs N] [--folder FOLDER] [--go-limit 600s] [--seed N]";

/**
 * Reads the command line; what is not given is measured in full.
 *
 * @throws {Error} if a flag or its value is wrong, with the usage
 */
export function parseBenchOptions(args: readonly string[]): BenchOptions {
  try {
    return readOptions(args);
  } catch (error) {
    throw new Error(`${error instanceof Error ? error.message : error}\n${USAGE}`);
  }
}

function readOptions(args: readonly string[]): BenchOptions {
  const { values } = parseArgs({
    args: [...args],
    options: {
      tree: { type: "string", multiple: true },
      runs: { type: "string", default: "3" },
      "real-runs": { type: "string", default: "2" },
      folder: { type: "string", default: tmpdir() },
      "go-limit": { type: "string", default: "600s" },
      seed: { type: "string", default: "1" },
    },
  });
  return {
    measurements: values.tree?.map(parseMeasurement) ?? MEASUREMENTS,
    dryRuns: parseCount("runs", values.runs),
    realRuns: parseCount("real-runs", values["real-runs"]),
    folder: values.folder,
    goLimitSeconds: parseCount("go-limit", values["go-limit"].replace(/s$/, "")),
    seed: parseCount("seed", values.seed),
  };
}

function parseMeasurement(text: string): Measurement {
  const measurement = MEASUREMENTS.find((name) => name === text);
  if (measurement === undefined) throw new Error(`--tree ${text}: expected ${MEASUREMENTS.join(", ")}`);
  return measurement;
}

function parseCount(flag: string, text: string): number {
  if (!/^[0-9]+$/.test(text)) throw new Error(`--${flag} ${text}: expected a whole number`);
  return Number(text);
}
