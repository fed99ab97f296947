import { readlinkSync, statSync } from "node:fs";
import type { LogSource } from "../../control/service.ts";

const STDERR = 2;

/** @returns where a process of this host logs to, as its standard error tells */
export function logOfProcess(pid: number): LogSource {
  const link = `/proc/${pid}/fd/${STDERR}`;
  let target: string;
  try {
    target = readlinkSync(link);
    if (statSync(link).isFile()) {
      if (!target.endsWith(" (deleted)")) return { kind: "file", path: target };
      return { kind: "none", reason: `the log of process ${pid} has been deleted: ${target}` };
    }
  } catch {
    return {
      kind: "none",
      reason: `where process ${pid} logs to may not be seen by this user, or not on this system`,
    };
  }
  return { kind: "none", reason: `process ${pid} logs to ${placeOf(target)}` };
}

function placeOf(target: string): string {
  if (target.startsWith("/dev/pts/") || target.startsWith("/dev/tty")) return `the terminal ${target}`;
  if (target === "/dev/null") return "nowhere (/dev/null)";
  return "another program; name its service by --service";
}
