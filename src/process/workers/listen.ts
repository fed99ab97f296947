import { lstatSync, unlinkSync } from "node:fs";
import { connect, type Server } from "node:net";
import { RegistryCtlError } from "../../errors.ts";
import type { ListenAddress } from "./listen-address.ts";

/**
 * Starts listening; in a worker on the socket that all workers share.
 * @returns where it listens, with the real port where 0 was asked for
 * @throws {RegistryCtlError} `ERR_LISTEN` with a sentence for people
 */
export function listen(server: Server, address: ListenAddress): Promise<ListenAddress> {
  return new Promise((resolve, reject) => {
    const onError = (error: NodeJS.ErrnoException) => reject(listenError(error, address));
    server.once("error", onError);
    const onListening = () => {
      server.removeListener("error", onError);
      const bound = server.address();
      const port = typeof bound === "object" && bound !== null ? bound.port : undefined;
      resolve(address.kind === "tcp" && port !== undefined ? { ...address, port } : address);
    };
    if (address.kind === "unix") server.listen(address.path, onListening);
    else if (address.host === undefined) server.listen(address.port, onListening);
    else server.listen(address.port, address.host, onListening);
  });
}

/**
 * Removes a socket that a server left behind when it was killed: only if nobody answers on it, and only a socket.
 * @throws {RegistryCtlError} `ERR_LISTEN` if somebody answers
 */
export async function removeStaleSocket(path: string): Promise<void> {
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return;
  const refused = await new Promise<boolean>((resolve) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(false);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => resolve(error.code === "ECONNREFUSED"));
  });
  if (refused) unlinkSync(path);
}

function listenError(error: NodeJS.ErrnoException, address: ListenAddress): RegistryCtlError {
  const where = address.kind === "unix" ? address.path : `${address.host ?? ""}:${address.port}`;
  const [reason, hint] = explain(error, address);
  return new RegistryCtlError("ERR_LISTEN", `cannot listen on ${where}: ${reason}`, { cause: error, hint });
}

function explain(error: NodeJS.ErrnoException, address: ListenAddress): [string, string] {
  const other = "choose another http.addr";
  switch (error.code) {
    case "EADDRINUSE":
      return ["another program listens there", `stop that program, or ${other}`];
    case "EADDRNOTAVAIL":
      return ["this machine has no such address", other];
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return ["the host name has no address", other];
    case "EACCES":
    case "EPERM":
      if (address.kind === "unix") return ["the folder may not be written", other];
      return [
        `port ${address.port} needs a right that the registry's user does not have`,
        "listen on a port above 1023 behind a proxy, or allow it with net.ipv4.ip_unprivileged_port_start",
      ];
    default:
      return [error.message, other];
  }
}
