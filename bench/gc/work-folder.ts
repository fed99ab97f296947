import { spawn } from "node:child_process";
import { mkdtemp } from "node:fs/promises";
import { constants } from "node:os";
import { join } from "node:path";
import { endOf } from "./run-program.ts";

const STOP_SIGNALS = ["SIGINT", "SIGTERM", "SIGHUP"] as const;

/**
 * Gives `body` a new folder below `parent` and removes it afterwards with all that is in it, also when Ctrl-C or
 * another signal stops the program: `signal` then aborts, `body` is to end, and the exit code tells the signal.
 */
export async function withWorkFolder(
  parent: string,
  body: (folder: string, signal: AbortSignal) => Promise<void>,
): Promise<void> {
  const stop = new AbortController();
  const onSignal = (name: (typeof STOP_SIGNALS)[number]) => {
    process.exitCode = 128 + constants.signals[name];
    stop.abort();
  };
  for (const name of STOP_SIGNALS) process.on(name, onSignal);
  const folder = await mkdtemp(join(parent, "registry-ctl-bench-"));
  try {
    await body(folder, stop.signal);
  } catch (error) {
    if (!stop.signal.aborted) throw error;
  } finally {
    if (stop.signal.aborted) console.error(`stopped; removing ${folder}`);
    await removeFolder(folder);
    for (const name of STOP_SIGNALS) process.off(name, onSignal);
  }
}

/** Removes a folder of hundreds of thousands of files; goes on even if a second Ctrl-C kills everything else. */
export async function removeFolder(folder: string): Promise<void> {
  await endOf(spawn("rm", ["-rf", "--", folder], { detached: true, stdio: "ignore" }));
}
