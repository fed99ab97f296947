import { setTimeout as sleep } from "node:timers/promises";
import type { LetsEncryptSettings } from "../../config/settings.ts";
import { ConfigError } from "../../errors.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { printableLine } from "../../lib/printable.ts";
import { acquireStoreLock, StoreLockedError } from "../../state/store-lock.ts";
import { FilesystemDriver } from "../../storage/filesystem/filesystem-driver.ts";
import { currentHolder } from "../machine/host-identity.ts";
import { CertificateCache } from "./certificate-cache.ts";
import { OrderError, obtainCertificate } from "./obtain-certificate.ts";
import { afterStop, nextOrderMs, oneMoreFailure, plausibleFailures, renewalDueMs } from "./renewal-policy.ts";

/** The files are looked at so often at least: another registry may share them, and a machine may have slept. */
const LOOK_AGAIN_MS = 3_600_000;
const LOCKED_MS = 30_000;
const SHORTEST_MS = 1_000;
/** After a fault of ours or of the disk. */
const FAULT_MS = 600_000;

/**
 * Sees to it that the cache has a certificate that a server can be started with: a placeholder if there is none yet.
 *
 * @returns whether that is a placeholder
 * @throws {ConfigError} if the folder cannot be written
 */
export async function prepareCertificate(settings: LetsEncryptSettings): Promise<boolean> {
  const cache = new CertificateCache(settings);
  try {
    cache.prepare();
    if (cache.certificate() !== undefined) return false;
    // Needed once in the life of a registry.
    const { makePlaceholder } = await import("./placeholder.ts");
    cache.writePlaceholder(await makePlaceholder(settings.hosts, Date.now()));
    return true;
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ConfigError(
      `http.tls.letsencrypt.cachefile: ${settings.cacheFolder} cannot be used: ${reason}`,
      {
        hint: "name a folder that the registry's user may write; it is made if it is missing",
        cause,
      },
    );
  }
}

/**
 * Orders a certificate when one is due, until `signal` is aborted. To be called by one process, when the server listens:
 * the authority asks for a proof there. Whatever goes wrong is told, and tried again much later; the certificate that is
 * there stays. Servers take a new one by themselves, also those of another registry that shares the folder.
 *
 * @returns when it has stopped. Never rejects
 */
export async function keepCertificate(
  settings: LetsEncryptSettings,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const cache = new CertificateCache(settings);
  while (!signal.aborted) {
    let waitMs: number;
    try {
      waitMs = await orderIfDue(settings, cache, logger, signal);
    } catch (error) {
      logger.error("the cache of certificates cannot be used", {
        folder: cache.folder,
        error: printableLine(messageOf(error)),
      });
      waitMs = FAULT_MS;
    }
    await sleep(waitMs, undefined, { signal }).catch(() => undefined);
  }
}

/** @returns how long to wait before the next look */
async function orderIfDue(
  settings: LetsEncryptSettings,
  cache: CertificateCache,
  logger: Logger,
  signal: AbortSignal,
): Promise<number> {
  const early = untilNextOrder(cache);
  if (early > 0) return Math.min(Math.max(early, SHORTEST_MS), LOOK_AGAIN_MS);
  const driver = new FilesystemDriver({ rootDirectory: cache.folder });
  const lock = await acquireStoreLock(driver, currentHolder(), Date.now).catch((error: unknown) => {
    if (error instanceof StoreLockedError) return undefined;
    throw error;
  });
  if (lock === undefined) return LOCKED_MS;
  try {
    // Whoever held the lock may have done it.
    if (untilNextOrder(cache) <= 0) await order(settings, cache, logger, signal);
  } finally {
    await lock.release();
  }
  return Math.min(Math.max(untilNextOrder(cache), SHORTEST_MS), LOOK_AGAIN_MS);
}

function untilNextOrder(cache: CertificateCache): number {
  const nowMs = Date.now();
  return nextOrderMs(cache.certificate(), plausibleFailures(cache.failures(), nowMs)) - nowMs;
}

async function order(
  settings: LetsEncryptSettings,
  cache: CertificateCache,
  logger: Logger,
  signal: AbortSignal,
): Promise<void> {
  const before = plausibleFailures(cache.failures(), Date.now());
  // A process that is killed in the middle of it again and again must not order again and again.
  const failed = oneMoreFailure(before, Date.now(), true);
  cache.writeFailures(failed);
  try {
    const { hosts, directoryUrl } = settings;
    logger.info("ordering a certificate", { hosts, directoryUrl });
    cache.writeCertificate(await obtainCertificate(settings, cache, signal));
    const life = cache.certificate();
    if (renewalDueMs(life) > Date.now()) {
      const validTo = life === undefined ? undefined : new Date(life.validToMs).toISOString();
      logger.info("a new certificate was obtained", { hosts, validTo });
      return;
    }
    // By a clock that is wrong every certificate would be due as soon as it comes.
    cache.writeFailures(failed);
    logger.error("the new certificate would have to be renewed at once: check this machine's clock", {
      nextTry: new Date(failed.nextTryMs).toISOString(),
    });
  } catch (error) {
    const reached = !(error instanceof OrderError) || error.reached;
    if (signal.aborted) {
      cache.writeFailures(afterStop(before, Date.now()));
      return;
    }
    const next = reached ? failed : oneMoreFailure(before, Date.now(), false);
    cache.writeFailures(next);
    logger.error("no certificate could be obtained, what is there stays in use", {
      directoryUrl: settings.directoryUrl,
      error: printableLine(messageOf(error)),
      nextTry: new Date(next.nextTryMs).toISOString(),
      toTryAtOnce: `stop the registry, remove ${cache.statePath}, start it again`,
    });
  }
}
