import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";
import { onTestFinished } from "vitest";
import { cleanEnvironment, type ProgramResult } from "./run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "./serve-process.ts";

/** A run of the program that goes on while the test does something else. */
export interface StartedProgram {
  child: ChildProcess;
  /** When it has ended; undefined as exit code if a signal ended it. */
  result: Promise<ProgramResult>;
}

/** Starts `bin/registry-ctl.js` as `runRegistryCtl` does, without waiting. It is killed when the test is over. */
export function startRegistryCtl(
  args: readonly string[],
  { env }: { env?: Record<string, string> } = {},
): StartedProgram {
  const child = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], {
    env: { ...cleanEnvironment(), ...env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  onTestFinished(() => void child.kill("SIGKILL"));
  const ended = new Promise<number | undefined>((resolve) => {
    child.once("close", (code) => resolve(code ?? undefined));
  });
  const result = Promise.all([text(child.stdout), text(child.stderr), ended]).then(
    ([stdout, stderr, exitCode]) => ({ stdout, stderr, exitCode }),
  );
  return { child, result };
}
