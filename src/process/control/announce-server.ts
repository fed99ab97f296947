import { resolve } from "node:path";
import type { ComparableConfig } from "../../config/load-config.ts";
import type { Settings } from "../../config/settings.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { removeServerRecord, type ServerRecord, writeServerRecord } from "../../state/server-record.ts";
import { currentMachine } from "../machine/run-process.ts";
import { describeListenAddress, type ListenAddress } from "../workers/listen-address.ts";
import { type ControlSocket, openControlSocket } from "./control-socket.ts";
import { notifySystemd } from "./notify-systemd.ts";
import type { RunningServer } from "./running-server.ts";
import { type RuntimePlace, serverName } from "./runtime-folder.ts";
import { noteServedName } from "./served-name.ts";

/** What {@link announceServer} needs. */
export interface AnnounceOptions {
  running: RunningServer;
  config: ComparableConfig;
  version: string;
  /** Undefined: nobody can speak to it. */
  runtime: RuntimePlace | undefined;
  /** It is no use without its socket. */
  requiresSocket: boolean;
  /** Where root and the commands of its user find it; undefined: by the place of its socket only. */
  stateFolder: string | undefined;
  logger: Logger;
  bound: ListenAddress;
  /** Aborted when the server begins to end. */
  signal: AbortSignal;
  onReloadSignal?: (listener: () => void) => void;
}

/** A server that can be found and spoken to. */
export interface AnnouncedServer {
  /** It works on another store, and is found there from now on, no more by the old one. Its socket stays where it is. */
  move(settings: Settings, stateFolder: string): void;
  end(): Promise<void>;
}

/**
 * Lets a server that listens be found and spoken to: control socket, pid file, record in the state folder, systemd, SIGHUP.
 *
 * @returns how to take all that back
 * @throws {Error} if it needs its socket and cannot have it
 */
export async function announceServer(options: AnnounceOptions): Promise<AnnouncedServer> {
  const { running, runtime, logger, signal } = options;
  const socket = await openSocket(options);
  let place = { stateFolder: options.stateFolder, record: recordOf(options, socket && runtime?.socket) };
  const write = (): void => {
    try {
      if (place.stateFolder !== undefined) writeServerRecord(place.stateFolder, place.record);
    } catch (error) {
      logger.warn("only commands of the same user find this server", { error: messageOf(error) });
    }
  };
  const remove = ({ stateFolder, record }: typeof place): void => {
    if (stateFolder !== undefined) removeServerRecord(stateFolder, record);
  };
  write();
  options.onReloadSignal?.(() => {
    running.reload().catch((error: unknown) => {
      logger.error("the configuration was not read again: nothing has changed", { error: messageOf(error) });
    });
  });
  await notifySystemd("READY=1", logger);
  signal.addEventListener("abort", () => void notifySystemd("STOPPING=1", logger), { once: true });
  return {
    move(settings, stateFolder) {
      const before = place;
      place = { stateFolder, record: { ...before.record, name: serverName(settings) } };
      write();
      if (socket !== undefined && runtime !== undefined) tellServedName(runtime, place.record.name, logger);
      remove(before);
    },
    async end() {
      await socket?.close();
      remove(place);
    },
  };
}

/** The place of the socket is named by the store of the start. */
function tellServedName(runtime: RuntimePlace, name: string, logger: Logger): void {
  try {
    noteServedName(runtime, name);
  } catch (error) {
    const message = "commands with the configuration of the store that was left may still find this server";
    logger.warn(message, { error: messageOf(error) });
  }
}

async function openSocket({
  runtime,
  requiresSocket,
  running,
  logger,
}: AnnounceOptions): Promise<ControlSocket | undefined> {
  if (runtime === undefined) return undefined;
  try {
    return await openControlSocket(runtime, running, logger);
  } catch (error) {
    if (requiresSocket) throw error;
    logger.warn("commands cannot speak to this server", { error: messageOf(error) });
    return undefined;
  }
}

function recordOf({ config, version, bound }: AnnounceOptions, socket: string | undefined): ServerRecord {
  const { source, settings } = config;
  const { host, bootId, pidNamespace, pid, startOf } = currentMachine();
  const processStart = startOf(pid);
  return {
    ...{ name: serverName(settings), host, bootId, pidNamespace, pid, version },
    startedAt: new Date().toISOString(),
    address: describeListenAddress(bound, settings.http),
    ...(processStart === undefined ? {} : { processStart }),
    ...(source.kind === "file" ? { configFile: resolve(source.path) } : {}),
    ...(socket === undefined ? {} : { socket }),
  };
}
