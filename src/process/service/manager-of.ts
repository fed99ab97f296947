import { readFileSync, readlinkSync } from "node:fs";
import { type ProgramOptions, runProgram } from "./run-program.ts";

const ASK_TIMEOUT_MS = 5_000;

/**
 * Finds out what looks after a process, and would start it again: a unit of the system's systemd whose main process
 * it is, or runsv.
 *
 * @returns it as `--service` takes it; undefined if nothing is known to
 */
export async function managerOf(
  pid: number,
  options: ProgramOptions = { timeoutMs: ASK_TIMEOUT_MS },
): Promise<string | undefined> {
  return (await unitOf(pid, options)) ?? runitFolderOf(pid);
}

/** The control group alone says nothing: what cron or a login has started is in theirs. */
async function unitOf(pid: number, options: ProgramOptions): Promise<string | undefined> {
  const groups = read(() => readFileSync(`/proc/${pid}/cgroup`, "utf8")) ?? "";
  const unit = /^(?:0:|\d+:name=systemd):(?!.*\/user@).*\/([^/\n]+\.service)$/m.exec(groups)?.[1];
  if (unit === undefined) return undefined;
  try {
    const { output } = await runProgram("systemctl", ["show", unit, "--property", "MainPID"], options);
    return output === `MainPID=${pid}` ? `systemd:${unit}` : undefined;
  } catch {
    return undefined;
  }
}

function runitFolderOf(pid: number): string | undefined {
  const parent = parentOf(pid);
  if (parent === undefined) return undefined;
  if (read(() => readFileSync(`/proc/${parent}/comm`, "utf8").trim()) !== "runsv") return undefined;
  const folder = read(() => readlinkSync(`/proc/${parent}/cwd`));
  return folder === undefined ? undefined : `runit:${folder}`;
}

function parentOf(pid: number): string | undefined {
  const status = read(() => readFileSync(`/proc/${pid}/status`, "utf8"));
  return /^PPid:\s+(\d+)$/m.exec(status ?? "")?.[1];
}

function read(look: () => string): string | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
