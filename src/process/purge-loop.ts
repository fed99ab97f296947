import { setTimeout as sleep } from "node:timers/promises";
import type { UploadPurgingSettings } from "../config/settings.ts";
import type { Logger } from "../lib/logger.ts";
import { MAY_BE_IN_USE_MS, type PurgedUpload, purgeUploads } from "../registry/uploads/purge-uploads.ts";
import { type LockHolder, storeLockHolder } from "../state/store-lock.ts";
import { hasStoreClock } from "../storage/abilities.ts";
import type { StorageDriver } from "../storage/driver.ts";

/** The first purge comes within this time, as in the Go registry: servers that start together do not purge together. */
const FIRST_WITHIN_MS = 3_600_000;
/** How soon it is tried again when somebody else works on the store. */
const LOCKED_RETRY_MS = 3_600_000;
const SHORTEST_PAUSE_MS = 1000;
/** Timers hold no longer times. */
const LONGEST_SLEEP_MS = 24 * 3_600_000;
/** Few, so that clients notice nothing. */
const CONCURRENCY = 2;

/** Options of {@link purgeRegularly}. */
export interface PurgeLoopOptions {
  /** `storage.maintenance.uploadpurging`. */
  settings: UploadPurgingSettings;
  driver: StorageDriver;
  /** Who we are, to see whether a lock in the store is held. */
  holder: LockHolder;
  /** Keeps all writers of this server from an upload; undefined if one of them has it. */
  holdUpload: (uuid: string) => (() => void) | undefined;
  logger: Logger;
  /** Ends the loop, after the uploads that are in hand. */
  signal: AbortSignal;
  /** 0 to less than 1. */
  random?: (() => number) | undefined;
}

/**
 * Purges uploads again and again while a server runs, beside its clients: never what one of its processes is writing, nor
 * what anybody has written to within the last hour, nor anything while a command works on the store. Nothing that goes
 * wrong ends it. Resolves when `signal` is aborted.
 */
export async function purgeRegularly(options: PurgeLoopOptions): Promise<void> {
  const { settings, logger, signal, random = Math.random } = options;
  const intervalMs = Math.max(settings.intervalMs, SHORTEST_PAUSE_MS);
  if (settings.ageMs < MAY_BE_IN_USE_MS) {
    logger.warn(
      "storage.maintenance.uploadpurging.age is under an hour: younger uploads may be in use and stay",
      {
        ageSeconds: settings.ageMs / 1000,
      },
    );
  }
  let pauseMs = random() * Math.min(FIRST_WITHIN_MS, intervalMs);
  for (;;) {
    logger.debug("waiting for the next purge of uploads", { seconds: Math.round(pauseMs / 1000) });
    await pause(pauseMs, signal);
    if (signal.aborted) return;
    pauseMs = (await purgeOnce(options)) ? intervalMs : Math.min(intervalMs, LOCKED_RETRY_MS);
  }
}

/** @returns false if somebody else works on the store */
async function purgeOnce(options: PurgeLoopOptions): Promise<boolean> {
  const { settings, driver, holder, holdUpload, logger, signal } = options;
  const { dryRun } = settings;
  const beganMs = Date.now();
  let [uploads, bytes, failures] = [0, 0, 0];
  try {
    const lock = await storeLockHolder(driver, holder, beganMs);
    if (lock) {
      const { host, pid } = lock;
      logger.info("uploads are not purged now, as somebody else works on the store", { host, pid });
      return false;
    }
    const { found, kept } = await purgeUploads(driver, {
      nowMs: hasStoreClock(driver) ? await driver.now() : beganMs,
      olderThanMs: Math.max(settings.ageMs, MAY_BE_IN_USE_MS),
      dryRun,
      concurrency: CONCURRENCY,
      hold: ({ uuid }) => holdUpload(uuid),
      onPurged: (purged) => {
        uploads++;
        bytes += purged.sizeBytes;
        logger.info(dryRun ? "an old upload would be purged" : "an old upload is purged", fieldsOf(purged));
      },
      onFailure: (failure) => {
        failures++;
        logger.error("an old upload cannot be purged", { ...failure });
      },
      signal,
    });
    const tell = uploads + failures > 0 ? logger.info : logger.debug;
    const seconds = (Date.now() - beganMs) / 1000;
    tell("uploads were looked through for old ones", {
      found,
      kept,
      purged: uploads,
      bytes,
      failures,
      dryRun,
      seconds,
    });
  } catch (error) {
    if (!signal.aborted) logger.error("old uploads cannot be purged", { error });
  }
  return true;
}

function fieldsOf({ upload, path, started, writtenMs, sizeBytes }: PurgedUpload): Record<string, unknown> {
  return {
    ...(upload ? { repository: upload.repository, upload: upload.uuid } : { parts: path }),
    ...(started?.kind === "told" ? { startedAt: new Date(started.ms).toISOString() } : {}),
    lastWrittenAt: new Date(writtenMs).toISOString(),
    bytes: sizeBytes,
  };
}

/** Does not keep a process alive. */
async function pause(ms: number, signal: AbortSignal): Promise<void> {
  try {
    for (let leftMs = ms; leftMs > 0; leftMs -= LONGEST_SLEEP_MS) {
      await sleep(Math.min(leftMs, LONGEST_SLEEP_MS), undefined, { signal, ref: false });
    }
  } catch {
    // Aborted.
  }
}
