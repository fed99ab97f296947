import { spawn } from "node:child_process";
import {
  closeSync,
  constants,
  fchmodSync,
  fchownSync,
  fstatSync,
  openSync,
  renameSync,
  statSync,
} from "node:fs";
import { constants as system } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import type { BackgroundServer } from "../../control/background-server.ts";
import { RegistryCtlError } from "../../errors.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { readLastLines } from "./last-lines.ts";

const { signals } = system;
/** Name of a background server's log in its state folder. */
export const SERVER_LOG = "serve.log";
/** A log that is larger is put aside when a server is started. */
const MAX_LOG_BYTES = 16 * 1024 * 1024;
/** One that is asked to end may have requests to finish; one that hangs in a file system never hears it. */
const DEAF_AFTER_MS = 10_000;

/** How a server is started in the background. */
export interface LaunchOptions {
  /** Arguments of `registry-ctl`, beginning with `serve`. */
  args: readonly string[];
  cwd: string;
  /** That of this process by default. */
  env?: Readonly<Record<string, string>>;
  /** Exists, and belongs to the user that the server will run as. */
  stateFolder: string;
  /** How long it has to end by itself when it is asked to, in milliseconds; 10 seconds by default. */
  deafAfterMs?: number;
}

/**
 * Starts the server in a session of its own, so that it stays when the terminal goes, with its outputs added to a
 * log in the state folder.
 *
 * @throws {RegistryCtlError} `ERR_START` if it cannot be started, or the log cannot be written
 */
export function launchServer({
  args,
  cwd,
  env,
  stateFolder,
  deafAfterMs = DEAF_AFTER_MS,
}: LaunchOptions): BackgroundServer {
  const script = process.argv[1];
  if (script === undefined) throw new Error("the script that runs is not known");
  const log = join(stateFolder, SERVER_LOG);
  const output = openLog(log, stateFolder);
  const fromOffset = fstatSync(output).size;
  const child = spawn(process.execPath, [script, ...args], {
    cwd,
    ...(env === undefined ? {} : { env }),
    detached: true,
    stdio: ["ignore", output, output],
  });
  closeSync(output);
  let failure: Error | undefined;
  child.on("error", (error) => {
    failure = error;
  });
  const ended = new Promise<void>((resolve) => child.once("exit", () => resolve()));
  const { pid } = child;
  if (pid === undefined)
    throw new RegistryCtlError(
      "ERR_START",
      `cannot run ${process.execPath}: ${failure?.message ?? "no process"}`,
    );
  return {
    pid,
    log,
    exitCode: () =>
      child.exitCode ?? (child.signalCode === null ? undefined : 128 + signals[child.signalCode]),
    lastLines: (count) => readLastLines(log, count, fromOffset),
    async end() {
      for (const signal of ["SIGTERM", "SIGKILL"] as const) {
        if (child.exitCode !== null || child.signalCode !== null) return;
        child.kill(signal);
        await Promise.race([ended, sleep(deafAfterMs, undefined, { ref: false })]);
      }
    },
    letGo: () => child.unref(),
  };
}

/** Opened for adding, so that it can be cut to nothing under a running server (logrotate's `copytruncate`). */
function openLog(path: string, folder: string): number {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_WRONLY } = constants;
  try {
    const { size } = statSync(path, { throwIfNoEntry: false }) ?? { size: 0 };
    if (size > MAX_LOG_BYTES) renameSync(path, `${path}.1`);
    const file = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_WRONLY, 0o600);
    try {
      const [info, owner] = [fstatSync(file), statSync(folder)];
      // Root adds to what lies in another user's folder: nothing of a third one's, nothing that has another name too.
      const isOurs = info.uid === owner.uid || info.uid === process.getuid?.();
      if (!info.isFile() || info.nlink !== 1 || !isOurs) throw new Error("it is not a log of ours");
      if (info.uid !== owner.uid) fchownSync(file, owner.uid, owner.gid);
      fchmodSync(file, 0o600);
      return file;
    } catch (error) {
      closeSync(file);
      throw error;
    }
  } catch (cause) {
    throw new RegistryCtlError("ERR_START", `the log ${path} cannot be written: ${fileProblemOf(cause)}`, {
      cause,
      hint: "put it right, or choose another folder with --state-dir",
    });
  }
}
