import type { Logger } from "../../src/lib/logger.ts";

const nothing = (): void => {};

/** A logger for tests that do not look at the log. */
export const silentLogger: Logger = {
  error: nothing,
  warn: nothing,
  info: nothing,
  debug: nothing,
  trace: nothing,
  child: () => silentLogger,
};
