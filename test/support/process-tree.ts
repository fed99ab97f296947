import { readFile } from "node:fs/promises";

/** The process and everything it started, directly or not, parents first; without those that have ended. */
export async function listProcessTree(pid: number): Promise<number[]> {
  const children = await readFile(`/proc/${pid}/task/${pid}/children`, "utf8").catch(() => undefined);
  if (children === undefined) return [];
  const trees = await Promise.all(children.split(" ").filter(Boolean).map(Number).map(listProcessTree));
  return [pid, ...trees.flat()];
}

/** Memory of a process and everything it started, in bytes; shared pages are counted once (PSS). */
export async function measureTreeMemory(pid: number): Promise<number> {
  const sizes = await Promise.all((await listProcessTree(pid)).map(measureMemory));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/**
 * Samples the memory of a process tree until stopped.
 *
 * @returns a function that stops the sampling and gives the largest sample, in bytes
 */
export function sampleTreeMemory(pid: number, intervalMs = 100): () => Promise<number> {
  let peakBytes = 0;
  let stopped = false;
  const sampling = (async () => {
    while (!stopped) {
      peakBytes = Math.max(peakBytes, await measureTreeMemory(pid));
      await new Promise((resolve) => setTimeout(resolve, intervalMs));
    }
  })();
  return async () => {
    stopped = true;
    await sampling;
    return peakBytes;
  };
}

async function measureMemory(pid: number): Promise<number> {
  const text = await readFile(`/proc/${pid}/smaps_rollup`, "utf8").catch(() => "");
  return Number(text.match(/^Pss:\s+(\d+) kB/m)?.[1] ?? 0) * 1024;
}
