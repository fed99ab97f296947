import { randomBytes } from "node:crypto";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import type { Settings } from "../config/settings.ts";
import type { Logger } from "../lib/logger.ts";
import { SingleProcessCoordination } from "../server/coordination/single-process.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { createLogger } from "./create-logger.ts";
import { removeStaleSocket } from "./listen.ts";
import { type ListenAddress, parseListenAddress } from "./listen-address.ts";
import type { StartOrder } from "./messages.ts";
import { rateFolderIn } from "./rate-folder.ts";
import { standardWriters, startServing } from "./serving.ts";
import { supervise } from "./supervisor.ts";
import { uploadPurging } from "./upload-purging.ts";

/** Options of {@link runServer}. */
export interface RunServerOptions {
  settings: Settings;
  /** Opened already, as the registry's user; workers open it for themselves. */
  storage: StorageDriver;
  readOnlyStore: boolean;
  /** 1 serves in this process; undefined: one for each core. */
  workers: number | undefined;
  /** Folder of the store's state; undefined: leases are kept in memory. */
  stateFolder: string | undefined;
  /** Asks for a drain and an end. */
  signal: AbortSignal;
  /** Called once, when every worker listens. */
  onListening: (address: ListenAddress, workers: number) => void;
}

/**
 * Serves until `signal` is aborted and all requests have ended, or `http.draintimeout` is over.
 * @throws {ConfigError} if the address, the certificate or the file of users is wrong
 * @throws {RegistryCtlError} `ERR_LISTEN` if it cannot listen
 */
export async function runServer(options: RunServerOptions): Promise<void> {
  const { settings, stateFolder } = options;
  const address = parseListenAddress(settings.http);
  if (address.kind === "unix") await removeStaleSocket(address.path);
  const order: StartOrder = {
    settings: { ...settings, readOnly: settings.readOnly || options.readOnlyStore },
    address,
    secret: settings.http.secret === "" ? randomBytes(32).toString("hex") : settings.http.secret,
    readOnlyStore: options.readOnlyStore,
    leaseFolder: stateFolder === undefined ? undefined : join(stateFolder, "leases"),
    rateFolder: rateFolderIn(stateFolder),
    slices: [],
  };
  await prepareUsers(options);
  await withCertificate(options, (listening) => serve(order, { ...options, onListening: listening }));
}

async function serve(order: StartOrder, options: RunServerOptions): Promise<void> {
  const { settings, signal } = options;
  const workers = countWorkers(options);
  if (workers === 1) {
    await serveHere(order, options);
    return;
  }
  const logger = await ownLogger(settings);
  const purging = uploadPurging({ order, driver: options.storage, logger, signal });
  try {
    await supervise({
      order,
      workers,
      logger,
      signal,
      onListening: (bound, holdUpload) => {
        options.onListening(bound, workers);
        purging.start(holdUpload);
      },
    });
  } finally {
    await purging.end();
  }
}

/**
 * Where the certificate is ordered, sees to it while it is served: the authority asks this server for a proof, so it must
 * be there first.
 */
async function withCertificate(
  { settings, signal, onListening }: RunServerOptions,
  run: (onListening: RunServerOptions["onListening"]) => Promise<void>,
): Promise<void> {
  const letsEncrypt = settings.http.tls?.letsEncrypt;
  if (letsEncrypt === undefined) return run(onListening);
  const { prepareCertificate, keepCertificate } = await import("./letsencrypt/keep-certificate.ts");
  const isPlaceholder = await prepareCertificate(letsEncrypt);
  const logger = await ownLogger(settings);
  const stopped = new AbortController();
  let kept = Promise.resolve();
  try {
    await run((...listening) => {
      onListening(...listening);
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
export function countWorkers({ settings, workers }: Pick<RunServerOptions, "settings" | "workers">): number {
  return settings.storage.driver === "inmemory" ? 1 : (workers ?? availableParallelism());
}

/** The password is told once, and in the message: a field of that name would be masked. Nothing else knows it. */
async function prepareUsers({ settings, readOnlyStore }: RunServerOptions): Promise<void> {
  const { auth, log } = settings;
  if (auth?.kind !== "htpasswd") return;
  const { prepareHtpasswd } = await import("./prepare-htpasswd.ts");
  const made = await prepareHtpasswd(auth.path, readOnlyStore);
  if (made === undefined) return;
  const logger = await ownLogger(settings);
  const tell = log.level === "error" ? logger.error : logger.warn;
  tell(`htpasswd is missing, provisioning with default user ${made.user} and password ${made.password}`, {
    path: auth.path,
  });
}

async function ownLogger(settings: Settings): Promise<Logger> {
  const [, errors] = standardWriters();
  return createLogger(settings.log, (line) => errors.write(line));
}

async function serveHere(order: StartOrder, options: RunServerOptions): Promise<void> {
  const { createServer } = await import("./registry-server.ts");
  const { settings, storage, signal } = options;
  let coordination: SingleProcessCoordination | undefined;
  const serving = await startServing({
    order,
    storage,
    createServer,
    createCoordination: (leases) => {
      coordination = new SingleProcessCoordination(leases);
      return coordination;
    },
  });
  options.onListening(serving.address, 1);
  const purging = uploadPurging({ order, driver: storage, logger: await ownLogger(settings), signal });
  purging.start((uuid) => coordination?.holdUpload(uuid));
  await aborted(signal);
  await Promise.all([serving.stop(), purging.end()]);
}

function aborted(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener("abort", () => resolve(), { once: true });
  });
}
