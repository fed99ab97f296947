import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { parseArgs } from "node:util";
import { RegistryHttp } from "../test/support/registry-http.ts";
import { REGISTRY_CTL_PATH, startServe } from "../test/support/serve-process.ts";
import { buildIfNeeded } from "./gc/build-if-needed.ts";
import { renderChecks } from "./gc/report.ts";
import { runProgram } from "./gc/run-program.ts";
import { type Check, isMet } from "./gc/targets.ts";
import { TREE_M, type TreeShape } from "./gc/tree-shape.ts";
import { withWorkFolder } from "./gc/work-folder.ts";
import { writeTreeByProcesses } from "./gc/write-tree.ts";
import { measurePulls } from "./online/pull-latency.ts";

const USAGE = "usage: online [--repositories 300] [--rounds 3] [--folder FOLDER]";
/** Before and behind each collection. */
const QUIET_MS = 10_000;
/** A collection may make a pull slower by so much. */
const MAX_RATIO = 1.25;

/** A round: the medians, in milliseconds, and what the collection did. */
interface Round {
  quietMs: number;
  collectingMs: number;
  pulls: number;
  seconds: number;
  files: number;
}

/**
 * Measures pulls of a server before, while and after it collects garbage. Exit code 1 if the median of pulls grows too much.
 *
 * @param args - flags
 * @throws {Error} if a flag is wrong, a pull fails or the collection does
 */
export async function online(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      repositories: { type: "string", default: "300" },
      rounds: { type: "string", default: "3" },
      folder: { type: "string", default: tmpdir() },
    },
  });
  const [repositories, wanted] = [Number(values.repositories), Number(values.rounds)];
  if (!(repositories > 0) || !(wanted > 0)) throw new Error(USAGE);
  const rounds: Round[] = [];
  await withWorkFolder(values.folder, async (folder, signal) => {
    await buildIfNeeded(signal, (step) => console.error(step));
    for (let round = 0; round < wanted; round++) {
      const shape = { ...TREE_M, repositories, seed: round + 1 };
      rounds.push(await measureRound(join(folder, `store-${round}`), shape, signal));
    }
  });
  console.log("pulls      alone  collecting  ratio  collection   files deleted");
  for (const { pulls, quietMs, collectingMs, seconds, files } of rounds) {
    const ratio = collectingMs / quietMs;
    const columns = [
      `${pulls}`.padEnd(8),
      ms(quietMs),
      `  ${ms(collectingMs)}`,
      ratio.toFixed(2).padStart(6),
    ];
    console.log([...columns, `${seconds.toFixed(1)} s`.padStart(10), `${files}`.padStart(15)].join(" "));
  }
  const ratios = rounds.map(({ quietMs, collectingMs }) => collectingMs / quietMs);
  const checks: Check[] = [
    {
      what: "median pull while collecting: times as long",
      measured: median(ratios),
      limit: MAX_RATIO,
      unit: "times",
      good: "less",
    },
  ];
  console.log(`\n${renderChecks(checks)}`);
  if (!checks.every(isMet)) process.exitCode = 1;
}

async function measureRound(rootDirectory: string, shape: TreeShape, signal: AbortSignal): Promise<Round> {
  await writeTreeByProcesses(rootDirectory, shape, signal);
  const server = await startServe({
    rootDirectory,
    moreConfig: "gc:\n  disabled: true\n  reviewafter: 1s\n",
  });
  try {
    const tags = await listTags(server.url);
    await measurePulls(server.url, tags, AbortSignal.timeout(QUIET_MS));
    const before = await measurePulls(server.url, tags, AbortSignal.timeout(QUIET_MS));
    const ended = new AbortController();
    const startedMs = performance.now();
    const options = [
      "-m",
      "--mode",
      "online",
      "--grace",
      "0s",
      "--json",
      "--state-dir",
      `${rootDirectory}.state`,
    ];
    const command = [process.execPath, REGISTRY_CTL_PATH, "garbage-collect", ...options, server.configPath];
    const collecting = runProgram(command, signal).finally(() => ended.abort());
    const during = await measurePulls(server.url, tags, ended.signal);
    const report: { deleted: Record<string, number> } = JSON.parse(await collecting);
    const seconds = (performance.now() - startedMs) / 1000;
    await sleep(1000);
    const after = await measurePulls(server.url, tags, AbortSignal.timeout(QUIET_MS));
    const files = Object.entries(report.deleted).reduce(
      (sum, [kind, count]) => sum + (kind === "bytes" ? 0 : count),
      0,
    );
    return {
      quietMs: median([...before, ...after]),
      collectingMs: median(during),
      pulls: during.length,
      seconds,
      files,
    };
  } finally {
    await server.stop();
  }
}

/** A few tags of each repository. */
async function listTags(url: string): Promise<string[]> {
  const client = new RegistryHttp(url, { maxSockets: 8 });
  const names: { repositories: string[] } = JSON.parse(
    (await client.send("GET", "/v2/_catalog?n=1000")).body.toString(),
  );
  const lists = await Promise.all(
    names.repositories.map(async (name) => {
      const { tags }: { tags: string[] } = JSON.parse(
        (await client.send("GET", `/v2/${name}/tags/list?n=5`)).body.toString(),
      );
      return tags.map((tag) => `${name}:${tag}`);
    }),
  );
  client.close();
  return lists.flat();
}

function median(values: readonly number[]): number {
  return values.toSorted((a, b) => a - b)[Math.floor(values.length / 2)] ?? Number.NaN;
}

function ms(value: number): string {
  return `${value.toFixed(2)} ms`.padStart(9);
}
