import { lstatSync, mkdirSync, rmdirSync, rmSync, unlinkSync, writeFileSync } from "node:fs";
import type { Server } from "node:http";
import { createControlServer } from "../../control/control-server.ts";
import type { Control } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { isAnswered } from "./find-server.ts";
import type { RuntimePlace } from "./runtime-folder.ts";
import { forgetServedName } from "./served-name.ts";

/** Nobody but the owner may open what is made under it. */
const OWNER_ONLY = 0o177;

/** A socket on which a server is spoken to. */
export interface ControlSocket {
  /** Takes no more requests, lets those that run be answered for a moment, and removes socket and pid file. */
  close(): Promise<void>;
}

/** Who has asked something when the server ends is to hear of it. */
const ANSWER_WITHIN_MS = 1_000;

/**
 * Opens the socket of a server, in the place of one that a dead server left behind, and writes the pid file.
 *
 * @throws {RegistryStateError} if a server answers there
 * @throws {Error} the system's, if it cannot be made
 */
export async function openControlSocket(
  place: RuntimePlace,
  control: Control,
  logger: Logger,
): Promise<ControlSocket> {
  const { folder, isOwn, socket, pidFile } = place;
  // A server that was just ending may have taken the folder with it.
  if (isOwn) mkdirSync(folder, { recursive: true, mode: 0o700 });
  await removeStale(socket);
  forgetServedName(place);
  const server = createControlServer(control, (error) =>
    logger.error("a request to the server failed", { error }),
  );
  await listen(server, socket);
  try {
    writeFileSync(pidFile, `${process.pid}\n`, { mode: 0o644 });
  } catch (error) {
    // Others may look there for the process; commands find the server by its socket, on a full disk too.
    logger.warn("the pid file cannot be written", { path: pidFile, error: messageOf(error) });
  }
  return {
    async close() {
      await new Promise<void>((resolve) => {
        const timer = setTimeout(() => {
          server.closeAllConnections();
          resolve();
        }, ANSWER_WITHIN_MS);
        server.close(() => {
          clearTimeout(timer);
          resolve();
        });
      });
      // Node has removed the socket.
      rmSync(pidFile, { force: true });
      forgetServedName(place);
      if (isOwn) removeFolder(folder);
    },
  };
}

/** Not possible where root had made it for this user; then it stays for the next start. */
function removeFolder(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // See above.
  }
}

async function removeStale(path: string): Promise<void> {
  const info = lstatSync(path, { throwIfNoEntry: false });
  if (info === undefined) return;
  if (!info.isSocket()) throw new Error(`${path} is there, and no socket`);
  if (await isAnswered(path)) {
    throw new RegistryStateError(`another server answers on the control socket ${path}`, {
      hint: "give this one its own by --control-socket",
    });
  }
  unlinkSync(path);
}

function listen(server: Server, path: string): Promise<void> {
  return new Promise((resolve, reject) => {
    server.once("error", reject);
    // The socket is made within this call.
    const umask = process.umask(OWNER_ONLY);
    try {
      server.listen(path, () => {
        server.removeListener("error", reject);
        resolve();
      });
    } finally {
      process.umask(umask);
    }
  });
}
