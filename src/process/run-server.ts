import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import type { ComparableConfig } from "../config/load-config.ts";
import type { Settings, StorageSettings } from "../config/settings.ts";
import { SingleProcessCoordination } from "../server/coordination/single-process.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { buildMark } from "./build-mark.ts";
import { type AnnouncedServer, announceServer } from "./control/announce-server.ts";
import { RunningServer } from "./control/running-server.ts";
import type { RuntimePlace } from "./control/runtime-folder.ts";
import type { ServingHost } from "./control/serving-host.ts";
import { SingleHost } from "./control/single-host.ts";
import { type ConfigurableLogger, createLogger } from "./log/create-logger.ts";
import { type SeatServer, StoreSeat } from "./seat/store-seat.ts";
import { StoreSeats } from "./seat/store-seats.ts";
import type { HoldUpload } from "./upload-purging.ts";
import { removeStaleSocket } from "./workers/listen.ts";
import { describeListenAddress, type ListenAddress, parseListenAddress } from "./workers/listen-address.ts";
import type { StartOrder } from "./workers/messages.ts";
import { standardWriters, startServing } from "./workers/serving.ts";
import { Supervisor } from "./workers/supervisor.ts";
import type { SeatOrder } from "./workers/worker-seat.ts";

/** Options of {@link runServer}. */
export interface RunServerOptions {
  config: ComparableConfig;
  /** Reads the configuration again, from where it was read. */
  reread: () => Promise<ComparableConfig>;
  /** Takes over what is read of the way to another store from the environment of the service. */
  takeEnvironment: (storage: StorageSettings) => Promise<void>;
  version: string;
  /** Opened already, as the registry's user; workers open it for themselves. */
  storage: StorageDriver;
  readOnlyStore: boolean;
  /** Undefined: one for each core. */
  workers: number | undefined;
  /** Folder of the store's state; undefined: leases are kept in memory. */
  stateFolder: string | undefined;
  /** Where the server can be spoken to; undefined: nowhere. */
  runtime: RuntimePlace | undefined;
  /** It is no use if it cannot be spoken to there. */
  requiresSocket: boolean;
  /** Asks for a drain and an end. */
  signal: AbortSignal;
  /** Takes the function that is to be called when somebody wants the configuration to be read again. */
  onReloadSignal?: (listener: () => void) => void;
  /** Called once, when every worker listens. */
  onListening: (address: ListenAddress, workers: number) => void;
}

/** The parts of a server that are there before it listens. */
interface Parts {
  options: RunServerOptions;
  seats: StoreSeats;
  address: ListenAddress;
  logger: ConfigurableLogger;
  running: RunningServer;
  /** Aborted when the server is to end, for whatever reason. */
  signal: AbortSignal;
  /** To be called once, when all listen. */
  onListening: (address: ListenAddress, host: ServingHost, hold: HoldUpload) => void;
}

/**
 * Serves until `signal` is aborted or somebody stops the server, and all requests have ended or `http.draintimeout` is over.
 * @throws {ConfigError} if the address, the certificate or the file of users is wrong
 * @throws {RegistryCtlError} `ERR_LISTEN` if it cannot listen
 * @throws {RegistryStateError} if another server of this machine works on the store
 */
export async function runServer(options: RunServerOptions): Promise<void> {
  const { config, stateFolder, readOnlyStore, storage, version } = options;
  const { settings } = config;
  const address = parseListenAddress(settings.http);
  const logger = await ownLogger(settings);
  const stopping = new AbortController();
  const signal = AbortSignal.any([options.signal, stopping.signal]);
  let announced: Promise<AnnouncedServer> | undefined;
  const running = new RunningServer({
    ...{ version, readBuild: buildMark, config, reread: options.reread, readOnlyStore, stateFolder, logger },
    prepare: async (next, isSameStore) => {
      await prepareUsers(next, readOnlyStore, logger);
      if (isSameStore) await seats.current.prepare(running.settings, next);
    },
    stores: {
      get stateFolder() {
        return seats.stateFolder;
      },
      open: (next, keep) => seats.open(next, keep),
    },
    onConfigured: () => seats.current.configure(running.settings),
    onReadOnly: () => seats.current.readOnlyChanged(running.settings),
    stop: () => stopping.abort(),
  });
  const server: SeatServer = {
    ...{ version, readOnlyStore, running, logger, signal },
    onHold: (seat, hold) => running.hold(hold, () => seat === seats.current),
  };
  const seats = new StoreSeats({
    first: new StoreSeat({ storage, stateFolder, server }),
    ...{ server, takeEnvironment: options.takeEnvironment },
    onTaken: (next, folder) => void announced?.then((it) => it.move(next, folder)),
  });
  running.holdFromStart(await seats.current.join(settings));
  try {
    if (address.kind === "unix") await removeStaleSocket(address.path);
    await prepareUsers(settings, readOnlyStore, logger);
    await withCertificate(settings, logger, signal, async (onCertificate) => {
      const onListening: Parts["onListening"] = (bound, host, hold) => {
        onCertificate();
        const { collections } = seats.current;
        running.use({ host, address: describeListenAddress(bound, settings.http), collections });
        seats.start(running.settings, hold);
        announced = announceServer({ ...options, running, logger, bound, signal });
        announced.catch((error: unknown) => stopping.abort(error));
        options.onListening(bound, countWorkers(options));
      };
      const parts: Parts = { options, seats, address, logger, running, signal, onListening };
      await (settings.storage.driver === "inmemory" ? serveHere : serveByWorkers)(parts);
    });
    // Rejects where the server had to end because it cannot be spoken to.
    await announced;
  } finally {
    running.end();
    await announced?.then(
      (it) => it.end(),
      () => undefined,
    );
    await seats.end();
  }
}

function orderOf({ options, running, address }: Parts, seat: SeatOrder): StartOrder {
  const { settings } = running;
  return {
    ...{ settings, address, readOnlyStore: options.readOnlyStore, ...seat },
    secret: settings.http.secret === "" ? randomBytes(32).toString("hex") : settings.http.secret,
    slices: [],
  };
}

async function serveByWorkers(parts: Parts): Promise<void> {
  const { options, seats, running, logger, signal, onListening } = parts;
  const { order, barrier } = await seats.current.openForWorkers(running.settings);
  const supervisor = new Supervisor({
    ...{ order: orderOf(parts, order), logger, signal, barrier, workers: countWorkers(options) },
    onListening: (bound, holdUpload) => onListening(bound, supervisor, holdUpload),
  });
  // While workers drain: a collector without them could do nothing but wait.
  const collected = aborted(signal).then(() => seats.current.collections?.end());
  await supervisor.run();
  if (signal.aborted) await collected;
  else await seats.current.collections?.end();
}

async function serveHere(parts: Parts): Promise<void> {
  const { options, seats, running, signal, onListening } = parts;
  const order = orderOf(parts, seats.current.order(running.settings));
  const { createServer } = await import("./workers/registry-server.ts");
  let coordination: SingleProcessCoordination | undefined;
  const serving = await startServing({
    order,
    storage: options.storage,
    createServer,
    createCoordination: (leases) => {
      coordination = new SingleProcessCoordination(leases);
      return coordination;
    },
  });
  onListening(serving.address, new SingleHost(serving), (uuid) => coordination?.holdUpload(uuid));
  await aborted(signal);
  await serving.stop();
}

/**
 * Where the certificate is ordered, sees to it while it is served: the authority asks this server for a proof, so it must
 * be there first.
 */
async function withCertificate(
  settings: Settings,
  logger: ConfigurableLogger,
  signal: AbortSignal,
  run: (onListening: () => void) => Promise<void>,
): Promise<void> {
  const letsEncrypt = settings.http.tls?.letsEncrypt;
  if (letsEncrypt === undefined) return run(() => {});
  const { prepareCertificate, keepCertificate } = await import("./letsencrypt/keep-certificate.ts");
  const isPlaceholder = await prepareCertificate(letsEncrypt);
  const stopped = new AbortController();
  let kept = Promise.resolve();
  try {
    await run(() => {
      if (isPlaceholder) {
        const message = "there is no certificate yet: one that nobody trusts is shown until it is obtained";
        logger.warn(message, { hosts: letsEncrypt.hosts });
      }
      kept = keepCertificate(letsEncrypt, logger, AbortSignal.any([signal, stopped.signal]));
    });
  } finally {
    stopped.abort();
    await kept;
  }
}

/** How many processes will serve: a store in memory cannot be shared. */
export function countWorkers({ config, workers }: Pick<RunServerOptions, "config" | "workers">): number {
  return config.settings.storage.driver === "inmemory" ? 1 : (workers ?? availableParallelism());
}

/** The password is told once, and in the message: a field of that name would be masked. Nothing else knows it. */
async function prepareUsers(
  { auth, log }: Settings,
  readOnlyStore: boolean,
  logger: ConfigurableLogger,
): Promise<void> {
  if (auth?.kind !== "htpasswd") return;
  const { prepareHtpasswd } = await import("./prepare-htpasswd.ts");
  const made = await prepareHtpasswd(auth.path, readOnlyStore);
  if (made === undefined) return;
  const tell = log.level === "error" ? logger.error : logger.warn;
  tell(`htpasswd is missing, provisioning with default user ${made.user} and password ${made.password}`, {
    path: auth.path,
  });
}

async function ownLogger(settings: Settings): Promise<ConfigurableLogger> {
  const [, errors] = standardWriters();
  return createLogger(settings.log, (line) => errors.write(line));
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
