import { resolve } from "node:path";
import { fingerprintOf } from "../../config/key-values.ts";
import type { ComparableConfig } from "../../config/load-config.ts";
import { storeName } from "../../config/store-name.ts";
import type { ServerStatus, WorkerStatus } from "../../control/protocol.ts";
import type { ReadOnlyKeeper } from "./read-only-timer.ts";
import type { RunningProgram } from "./running-program.ts";

/** What the status of a server is made of. */
export interface StatusParts
  extends Pick<ServerStatus, "startedAt" | "configuredAt" | "address" | "workers" | "logLevel"> {
  program: RunningProgram;
  config: ComparableConfig;
  readOnly: ReadOnlyKeeper;
  collection: ServerStatus["collection"];
  /** Of the processes that serve. */
  problems: readonly string[];
}

/** @returns what a server tells of itself */
export function statusOfServer(parts: StatusParts): ServerStatus {
  const { program, startedAt, configuredAt, address, workers, logLevel, collection, readOnly } = parts;
  const { source, settings } = parts.config;
  const sum = (count: (worker: WorkerStatus) => number) =>
    workers.reduce((total, worker) => total + count(worker), 0);
  return {
    ...{ schemaVersion: 1, version: program.version, build: program.build, pid: process.pid, startedAt },
    ...(source.kind === "file" ? { configFile: resolve(source.path) } : {}),
    ...{ settingsDigest: fingerprintOf(settings), configuredAt, store: storeName(settings.storage), address },
    ...{ readOnly: readOnly.state, workers },
    uploadsInFlight: sum(({ uploadsInFlight }) => uploadsInFlight),
    requestsInFlight: sum(({ requestsInFlight }) => requestsInFlight),
    logLevel,
    ...(collection === undefined ? {} : { collection }),
    problems: [
      ...parts.problems,
      ...workers.filter(({ isSilent }) => isSilent).map(({ pid }) => `process ${pid} does not answer`),
      ...(readOnly.problem === undefined ? [] : [readOnly.problem]),
    ],
  };
}
