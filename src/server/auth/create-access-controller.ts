import type { AuthSettings } from "../../config/settings.ts";
import type { Logger } from "../../lib/logger.ts";
import type { AccessController } from "./access.ts";
import { HtpasswdController } from "./htpasswd-controller.ts";
import { SillyController } from "./silly-controller.ts";
import { TokenController } from "./token-controller.ts";

/**
 * @returns what decides who may do what; undefined if everybody may do everything
 * @throws {ConfigError} if a file that it needs cannot be used
 */
export function createAccessController(
  settings: AuthSettings | undefined,
  logger: Logger,
): AccessController | undefined {
  switch (settings?.kind) {
    case "token":
      return new TokenController(settings, logger);
    case "htpasswd":
      return new HtpasswdController(settings, { logger });
    case "silly":
      return new SillyController(settings);
    case undefined:
      return undefined;
  }
}
