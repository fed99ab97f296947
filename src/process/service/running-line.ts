import { readdirSync, readFileSync } from "node:fs";

/** Where the line stands among the arguments of the shell that {@link lineArguments} makes. */
const LINE_AT = 4;
/** The shell stays until the line has ended: it is by the shell, and by these words, that others see it run. */
const SCRIPT = 'eval "$1"; exit # registry-ctl';
/** In /proc/PID/stat behind the name, which may have spaces: state, parent, group, session. */
const SESSION_AT = 3;

/** @returns arguments for `/bin/sh` that run a line. To be run in a session of its own */
export function lineArguments(line: string): string[] {
  return ["-c", SCRIPT, "sh", line];
}

/**
 * Finds a shell that runs one of the lines, whoever has started it: it outlives a command that was killed. What a line has
 * left behind in the background does not count.
 *
 * @returns its process id; undefined also where processes cannot be seen
 * @see https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html
 */
export function findRunningLine(lines: readonly string[]): number | undefined {
  return processes().find((pid) => {
    const words = readProcess(pid, "cmdline").split("\0");
    if (words[2] !== SCRIPT || !lines.includes(words[LINE_AT] ?? "")) return false;
    const stat = readProcess(pid, "stat");
    const [state, ...more] = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
    // A part of the line that was put into the background has the words of its shell, but is no leader.
    return state !== "Z" && Number(more[SESSION_AT - 1]) === pid;
  });
}

function processes(): number[] {
  try {
    return readdirSync("/proc").map(Number).filter(Number.isInteger);
  } catch {
    // Not Linux.
    return [];
  }
}

/** A process may end, or belong to somebody else, at any time. */
function readProcess(pid: number, file: string): string {
  try {
    return readFileSync(`/proc/${pid}/${file}`, "utf8");
  } catch {
    return "";
  }
}
