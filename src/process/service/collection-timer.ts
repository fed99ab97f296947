import { existsSync } from "node:fs";
import { runProgram, serviceError } from "./run-program.ts";

/** What systemd is told after its units have changed. */
export interface TimerState {
  /** Command lines for people. */
  commands: string[];
  /** They were run; else they are to be run on the host that the files are for. */
  done: boolean;
}

const TIMER = "registry-garbage-collect.timer";
const TIMEOUT_MS = 30_000;
/** It is there as long as systemd runs the machine. @see https://man7.org/linux/man-pages/man3/sd_booted.3.html */
const RUNNING_SYSTEMD = "/run/systemd/system";

/**
 * Tells systemd that units are new, or gone, and starts a new timer; where they are for another root folder, or systemd does
 * not run here, says what is to be done.
 *
 * @param root - stands for `/`
 * @returns undefined if it is not concerned
 * @throws {RegistryCtlError} `ERR_SERVICE` with what it said
 */
export async function applyTimer(
  changed: "installed" | "removed" | undefined,
  root: string,
): Promise<TimerState | undefined> {
  if (changed === undefined) return undefined;
  const steps = [["daemon-reload"], ...(changed === "installed" ? [["enable", "--now", TIMER]] : [])];
  const done = isRunning(root);
  for (const step of done ? steps : []) await systemctl(step);
  return { commands: steps.map((step) => `systemctl ${step.join(" ")}`), done };
}

/** Stops a timer whose files are about to go. */
export async function disableTimer(root: string): Promise<void> {
  if (isRunning(root)) await systemctl(["disable", "--now", TIMER]);
}

async function systemctl(args: readonly string[]): Promise<void> {
  const end = await runProgram("systemctl", args, { timeoutMs: TIMEOUT_MS });
  if (end.exitCode !== 0) throw serviceError(`systemctl ${args.join(" ")} failed`, end);
}

function isRunning(root: string): boolean {
  return root === "/" && existsSync(RUNNING_SYSTEMD);
}
