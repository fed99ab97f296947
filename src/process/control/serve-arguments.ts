import { readFileSync, readlinkSync } from "node:fs";
import { basename } from "node:path";

/** How a server of ours was started. */
export interface ServeArguments {
  /** Arguments of `registry-ctl`, beginning with `serve`. */
  args: string[];
  cwd: string;
}

/** @returns how a server was started; undefined where the system does not tell, or the process is none */
export function serveArguments(pid: number): ServeArguments | undefined {
  try {
    const words = readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0").slice(0, -1);
    const script = words.findIndex((word) => /^registry-ctl(\.js)?$/.test(basename(word)));
    const args = words.slice(script + 1);
    if (script < 0 || !args.includes("serve")) return undefined;
    return { args, cwd: readlinkSync(`/proc/${pid}/cwd`) };
  } catch {
    return undefined;
  }
}
