import type { LogSettings } from "../../config/settings.ts";
import type { Coordination } from "../../server/coordination/coordination.ts";
import { AuditLog } from "../../state/audit-log.ts";
import { LeaseLog } from "../../state/lease-log.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { createLogger } from "../log/create-logger.ts";
import { LineWriter } from "../log/line-writer.ts";
import type { HostedServer, ServerFactory } from "./hosted-server.ts";
import { listen } from "./listen.ts";
import type { ListenAddress } from "./listen-address.ts";
import type { ServerLoad, StartOrder } from "./messages.ts";

/** How long the last lines of the logs may take to leave. */
const LOG_FLUSH_MS = 1_000;

/** A process that serves. */
export interface Serving {
  /** With the real port. */
  readonly address: ListenAddress;
  /** See {@link HostedServer.setReadOnly}. */
  setReadOnly: HostedServer["setReadOnly"];
  /** See {@link HostedServer.holdNames}. */
  holdNames: HostedServer["holdNames"];
  flushCaches(): void;
  setTag: HostedServer["setTag"];
  setLog(settings: LogSettings): void;
  load(): ServerLoad;
  /**
   * Takes no more connections, lets running requests end for `http.draintimeout`, closes everything.
   *
   * @param gentle - how long connections may wait for one more request each before that, where others serve on
   */
  stop(gentle?: { forMs: number; hurry: AbortSignal }): Promise<void>;
}

/** Options of {@link startServing}. */
export interface ServingOptions {
  order: StartOrder;
  storage?: StorageDriver | undefined;
  createServer: ServerFactory;
  createCoordination: (leases: LeaseLog) => Coordination;
}

/** Sets up logs, leases and the server in this process, and listens. */
export async function startServing(options: ServingOptions): Promise<Serving> {
  const { order } = options;
  const { settings } = order;
  const [output, errors] = standardWriters();
  const logger = await createLogger(settings.log, (line) => errors.write(line));
  const leases = new LeaseLog({ folder: order.leaseFolder, leaseMs: order.leaseMs, logger });
  const audit =
    order.auditFolder === undefined ? undefined : new AuditLog({ folder: order.auditFolder, logger });
  const hosted = await options.createServer({
    order,
    storage: options.storage,
    coordination: options.createCoordination(leases),
    audit,
    logger,
    accessLog: settings.log.accessLogDisabled ? () => {} : (line) => output.write(line),
  });
  const address = await listen(hosted.server, order.address);
  return {
    address,
    setReadOnly: (on, drainMs) => hosted.setReadOnly(on, drainMs),
    holdNames: (names, held) => hosted.holdNames(names, held),
    flushCaches: () => hosted.flushCaches(),
    setTag: (request) => hosted.setTag(request),
    setLog: (settings) => logger.configure(settings),
    load: () => hosted.load(),
    async stop(gentle) {
      if (gentle !== undefined) await hosted.retire(gentle.forMs, gentle.hurry);
      // The callback only tells that connections have ended, or that it was closed before.
      hosted.server.close(() => {});
      const cut = await hosted.drain(settings.http.drainTimeoutMs);
      if (cut > 0) logger.warn("requests were cut off at the end of http.draintimeout", { requests: cut });
      hosted.server.closeAllConnections();
      leases.close();
      audit?.close();
      if (output.dropped > 0) logger.warn("lines of the access log were lost", { lines: output.dropped });
      await Promise.all([output.flush(LOG_FLUSH_MS), errors.flush(LOG_FLUSH_MS)]);
    },
  };
}

let writers: [output: LineWriter, errors: LineWriter] | undefined;

/** Writers of standard output and standard error, one each in a process. They are emptied when it exits. */
export function standardWriters(): [output: LineWriter, errors: LineWriter] {
  if (writers === undefined) {
    const made: [LineWriter, LineWriter] = [new LineWriter(1), new LineWriter(2)];
    process.on("exit", () => {
      for (const writer of made) writer.flushSync();
    });
    writers = made;
  }
  return writers;
}
