import { setTimeout as sleep } from "node:timers/promises";
import { isDeepStrictEqual } from "node:util";
import type { Settings } from "../config/settings.ts";
import type { Logger } from "../lib/logger.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { currentHolder } from "./machine/host-identity.ts";

/** How long a removal that is under way may hold up the end of the server. */
const END_WITHIN_MS = 5_000;

/** Keeps all writers of a server from an upload; undefined if one of them has it. */
export type HoldUpload = (uuid: string) => (() => void) | undefined;

/** What {@link UploadPurging} needs. */
export interface UploadPurgingParts {
  driver: StorageDriver;
  logger: Logger;
  /** Ends it too. */
  signal: AbortSignal;
}

/** What of the settings says whether and how uploads are purged. */
type PurgingSettings = Pick<Settings, "uploadPurging" | "readOnly">;

interface Purge {
  settings: Settings["uploadPurging"];
  stop: AbortController;
  ended: Promise<void>;
}

/** The purging of uploads by a server, in the process that starts its workers or serves alone. */
export class UploadPurging {
  readonly #parts: UploadPurgingParts;
  #driver: StorageDriver;
  #holdUpload: HoldUpload | undefined;
  #purge: Purge | undefined;

  constructor(parts: UploadPurgingParts) {
    this.#parts = parts;
    this.#driver = parts.driver;
  }

  /** The next purge uses the same store by other means, such as other credentials; see {@link configure}. */
  useDriver(driver: StorageDriver): void {
    this.#driver = driver;
    void this.#stop();
  }

  /** Begins, unless the configuration has it off or the registry is read-only. */
  start(settings: PurgingSettings, holdUpload: HoldUpload): void {
    this.#holdUpload = holdUpload;
    this.configure(settings);
  }

  /** Goes on with other settings, or begins or ends as they say. Nothing happens before the start. */
  configure({ uploadPurging: settings, readOnly }: PurgingSettings): void {
    const holdUpload = this.#holdUpload;
    if (holdUpload === undefined) return;
    const isWanted = settings.enabled && !readOnly;
    if (isWanted && isDeepStrictEqual(this.#purge?.settings, settings)) return;
    const before = this.#stop();
    if (isWanted) this.#purge = this.#begin(settings, holdUpload, before);
  }

  /** Ends it, between two uploads. May be called without a start. */
  async end(): Promise<void> {
    this.#holdUpload = undefined;
    await Promise.race([this.#stop(), sleep(END_WITHIN_MS, undefined, { ref: false })]);
  }

  #stop(): Promise<void> {
    const purge = this.#purge;
    this.#purge = undefined;
    purge?.stop.abort();
    return purge?.ended ?? Promise.resolve();
  }

  #begin(settings: Purge["settings"], holdUpload: HoldUpload, before: Promise<void>): Purge {
    const { logger, signal } = this.#parts;
    const driver = this.#driver;
    const stop = new AbortController();
    const purge = async (): Promise<void> => {
      await before;
      const { purgeRegularly } = await import("./purge-loop.ts");
      const both = AbortSignal.any([signal, stop.signal]);
      if (both.aborted) return;
      await purgeRegularly({ settings, driver, holder: currentHolder(), holdUpload, logger, signal: both });
    };
    return { settings, stop, ended: purge() };
  }
}
