import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { cleanEnvironment } from "./run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "./serve-process.ts";

/** A collection that holds its registry, and stands still. */
export interface HeldCollection {
  pid: number;
  /** Goes on with it, which gets a signal first; @returns how it ended, with what it has written to stderr. */
  signal(name: NodeJS.Signals): Promise<{ exitCode: number | null; signal: string | null; stderr: string }>;
}

const IS_HELD = /^mode: (read-only|offline): /m;

/** Runs a collection until it says that the registry is stopped or read-only for it, and stops its process there. */
export async function startHeldCollection(
  args: readonly string[],
  options: { cwd: string; env?: Record<string, string> },
): Promise<HeldCollection> {
  const child = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], {
    cwd: options.cwd,
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ["ignore", "ignore", "pipe"],
  });
  const ended = once(child, "exit");
  let stderr = "";
  let isHeld = false;
  await new Promise<void>((resolve, reject) => {
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      stderr += text;
      if (isHeld || !IS_HELD.test(stderr)) return;
      isHeld = true;
      child.kill("SIGSTOP");
      resolve();
    });
    child.once("exit", () => reject(new Error(`the collection ended before it held anything\n${stderr}`)));
  });
  return {
    pid: pidOf(child),
    async signal(name) {
      child.kill(name);
      child.kill("SIGCONT");
      const [exitCode, signal] = await ended;
      return { exitCode, signal, stderr };
    },
  };
}

function pidOf({ pid }: ChildProcess): number {
  if (pid === undefined) throw new Error("the process has no number");
  return pid;
}
