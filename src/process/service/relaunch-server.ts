import { readFileSync } from "node:fs";
import { basename, dirname } from "node:path";
import type { BackgroundServer } from "../../control/background-server.ts";
import { RegistryStateError } from "../../errors.ts";
import { serveArguments } from "../control/serve-arguments.ts";
import { launchServer, SERVER_LOG } from "./launch-server.ts";
import { logOfProcess } from "./process-log.ts";

/**
 * @param pid - of a server of ours
 * @returns what starts it again as it was started (arguments, folder, environment), by the program that runs now; undefined
 *   unless `start` has put it in the background: whatever else has started it looks after it, or shows it
 * @throws {RegistryStateError} if it is another user's: root must not run what that one says
 */
export function relaunchOf(pid: number): (() => BackgroundServer) | undefined {
  const log = logOfProcess(pid);
  const started = serveArguments(pid);
  const env = environmentOf(pid);
  const isOurs = log.kind === "file" && basename(log.path).startsWith(SERVER_LOG);
  if (!isOurs || started === undefined || env === undefined) return undefined;
  if (uidOf(pid) !== process.getuid?.()) {
    throw new RegistryStateError(
      `process ${pid} is of another release, and runs as another user: what it says of how it was started is not taken from it`,
      { hint: "stop it with registry-ctl stop, and start it with registry-ctl start" },
    );
  }
  return () => launchServer({ ...started, env, stateFolder: dirname(log.path) });
}

/** The folder in /proc belongs to root for each process that has changed its user, so it does not tell. */
function uidOf(pid: number): number | undefined {
  try {
    const [, uid] = /^Uid:\s+(\d+)/m.exec(readFileSync(`/proc/${pid}/status`, "utf8")) ?? [];
    return uid === undefined ? undefined : Number(uid);
  } catch {
    return undefined;
  }
}

function environmentOf(pid: number): Record<string, string> | undefined {
  try {
    const pairs = readFileSync(`/proc/${pid}/environ`, "utf8").split("\0").slice(0, -1);
    return Object.fromEntries(
      pairs.map((pair) => [pair.split("=", 1)[0] ?? "", pair.slice(pair.indexOf("=") + 1)]),
    );
  } catch {
    return undefined;
  }
}
