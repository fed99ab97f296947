import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** Ticks in a second, in which the kernel tells times to programs, on all platforms that Node runs on. */
const TICKS_PER_SECOND = 100;

/** What the system tells of a process of this host. */
export interface ProcessFacts {
  /** Path of its program; of ours the name only. */
  program?: string;
  /** ISO 8601, UTC. */
  startedAt?: string;
}

/**
 * @returns what may be seen of a process
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html - field 22; the second one may hold spaces and
 *   brackets
 */
export function factsOf(pid: number): ProcessFacts {
  const program = read(() => readlinkSync(`/proc/${pid}/exe`));
  const stat = read(() => readFileSync(`/proc/${pid}/stat`, "utf8"));
  const ticks = Number(stat?.slice(stat.lastIndexOf(")") + 2).split(" ")[19]);
  const boot = Number(/^btime (\d+)$/m.exec(read(() => readFileSync("/proc/stat", "utf8")) ?? "")?.[1]);
  const startedMs = (boot + ticks / TICKS_PER_SECOND) * 1000;
  return {
    ...(program === undefined ? {} : { program: basename(program) === "node" ? "registry-ctl" : program }),
    ...(Number.isFinite(startedMs) ? { startedAt: new Date(startedMs).toISOString() } : {}),
  };
}

function read(look: () => string): string | undefined {
  try {
    return look();
  } catch {
    return undefined;
  }
}
