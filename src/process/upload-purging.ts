import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../lib/logger.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { currentHolder } from "./host-identity.ts";
import type { StartOrder } from "./messages.ts";

/** How long a removal that is under way may hold up the end of the server. */
const END_WITHIN_MS = 5_000;

/** The purging of uploads by a server, in the process that starts its workers or serves alone. */
export interface UploadPurging {
  /**
   * Begins, unless the configuration has it off or the registry is read-only.
   * @param holdUpload - keeps all writers of the server from an upload; undefined if one of them has it
   */
  start(holdUpload: (uuid: string) => (() => void) | undefined): void;
  /** Ends it, between two uploads. May be called without a start. */
  end(): Promise<void>;
}

/** What {@link uploadPurging} needs. */
export interface UploadPurgingParts {
  order: Pick<StartOrder, "settings">;
  driver: StorageDriver;
  logger: Logger;
  /** Ends it too. */
  signal: AbortSignal;
}

/** Makes the purging of a server, which does nothing before it is started. */
export function uploadPurging({ order, driver, logger, signal }: UploadPurgingParts): UploadPurging {
  const { uploadPurging: settings, readOnly } = order.settings;
  const ended = new AbortController();
  let running = Promise.resolve();
  return {
    start: (holdUpload) => {
      if (!settings.enabled || readOnly) return;
      running = import("./purge-loop.ts").then(({ purgeRegularly }) =>
        purgeRegularly({
          settings,
          driver,
          holder: currentHolder(),
          holdUpload,
          logger,
          signal: AbortSignal.any([signal, ended.signal]),
        }),
      );
    },
    end: async () => {
      ended.abort();
      await Promise.race([running, sleep(END_WITHIN_MS, undefined, { ref: false })]);
    },
  };
}
