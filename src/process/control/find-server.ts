import { lstatSync } from "node:fs";
import { connect } from "node:net";
import type { LoadedConfig } from "../../config/settings.ts";
import { openControlClient } from "../../control/control-client.ts";
import type { Control } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import { readServerRecords, type ServerRecord } from "../../state/server-record.ts";
import { registryUserOf } from "../machine/registry-user.ts";
import { currentMachine } from "../machine/run-process.ts";
import { stateFoldersOf } from "../state/find-state.ts";
import { placeOfSocket, runtimePlaces, serverName } from "./runtime-folder.ts";
import { servesOther } from "./served-name.ts";

/** What decides where a server is looked for. */
export interface FindServerFlags {
  /** `--state-dir`. */
  stateDir?: string | undefined;
  /** `--control-socket`: then only there. */
  controlSocket?: string | undefined;
  /** Of the server, where it is known. */
  pid?: number | undefined;
}

/** A server of ours that runs. */
export interface FoundServer {
  control: Control;
  socket: string;
  /** What it says of itself in its state folder; undefined where it has none. */
  record: ServerRecord | undefined;
}

/**
 * Finds the running server of a configuration, whoever started it. What dead servers left behind (sockets, records, pid
 * files) counts for nothing. To be called before root switches to the store's owner.
 *
 * @returns undefined if none runs
 * @throws {RegistryStateError} if it cannot be told which of several is meant, or its socket may not be used
 */
export async function findServer(config: LoadedConfig, flags: FindServerFlags): Promise<Control | undefined> {
  return (await locateServer(config, flags))?.control;
}

/** As {@link findServer}, with what else is known of the server. */
export async function locateServer(
  config: LoadedConfig,
  flags: FindServerFlags,
): Promise<FoundServer | undefined> {
  const { settings } = config;
  if (flags.controlSocket !== undefined) return found(placeOfSocket(flags.controlSocket).socket, undefined);
  const name = serverName(settings);
  const records = livingRecords(
    stateFoldersOf(settings.storage, flags.stateDir, await registryUserOf(config)),
  );
  // One whose address was another when it started is meant too: it has the store.
  const own = records.filter((record) => record.name === name);
  const ofStore = own.length > 0 ? own : records;
  const meant = flags.pid === undefined ? ofStore : records.filter(({ pid }) => pid === flags.pid);
  const servers: FoundServer[] = [];
  for (const record of meant) {
    const server = record.socket === undefined ? undefined : await found(record.socket, record);
    if (server !== undefined) servers.push(server);
  }
  const [first, second] = servers;
  if (first !== undefined && second !== undefined) {
    const pids = servers.map(({ record }) => record?.pid).join(" and ");
    throw new RegistryStateError(
      `several servers work on this store, and none at this address: processes ${pids}`,
      {
        hint: "name the one that is meant by --control-socket",
      },
    );
  }
  if (first !== undefined) return first;
  for (const place of runtimePlaces(name, currentUser())) {
    const server = servesOther(place) ? undefined : await found(place.socket, undefined);
    if (server !== undefined) return server;
  }
  return undefined;
}

/** @returns those whose process runs on this machine, and that say so in a place that they may write */
export function livingRecords(stateFolders: readonly string[]): ServerRecord[] {
  const machine = currentMachine();
  const found = new Map<string, ServerRecord>();
  for (const { record, uid } of stateFolders.flatMap((folder) => readServerRecords(folder))) {
    if (record.bootId !== machine.bootId || record.host !== machine.host) continue;
    // In another container: its number means nothing here, but its socket may be in a shared folder.
    const isHere = record.pidNamespace === machine.pidNamespace;
    if (isHere && (!machine.isAlive(record.pid) || isLater(record, machine.startOf(record.pid)))) continue;
    if (record.socket !== undefined && !isOwnedBy(record.socket, uid)) continue;
    found.set(record.socket ?? `${record.pid}`, record);
  }
  return [...found.values()];
}

function isLater({ processStart }: ServerRecord, start: string | undefined): boolean {
  return processStart !== undefined && start !== undefined && processStart !== start;
}

/** Root must not be led to the socket of somebody who only wrote a record. */
function isOwnedBy(socket: string, uid: number): boolean {
  try {
    const info = lstatSync(socket);
    return info.isSocket() && (info.uid === uid || info.uid === 0);
  } catch {
    return false;
  }
}

/** @returns a server at a socket; undefined if nobody listens there */
export async function found(
  socket: string,
  record: ServerRecord | undefined,
): Promise<FoundServer | undefined> {
  if (!(await isAnswered(socket))) return undefined;
  return { control: openControlClient(socket), socket, record };
}

/** @throws {RegistryStateError} if somebody may be there, but not for this user */
export function isAnswered(path: string): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const socket = connect(path);
    socket.once("connect", () => {
      socket.destroy();
      resolve(true);
    });
    socket.once("error", (error: NodeJS.ErrnoException) => {
      // Somebody listens, but has not looked for so long that no more fit into the queue.
      if (error.code === "EAGAIN") resolve(true);
      else if (error.code !== "EACCES" && error.code !== "EPERM") resolve(false);
      else {
        const hint = "run as the registry's user or as root";
        reject(new RegistryStateError(`the control socket ${path} may not be used by this user`, { hint }));
      }
    });
  });
}

function currentUser(): { uid: number; env: NodeJS.ProcessEnv } {
  return { uid: process.getuid?.() ?? 0, env: process.env };
}
