import type { AuthSettings } from "../../config/settings.ts";
import type { Logger } from "../../lib/logger.ts";
import type { AccessController } from "./access.ts";

/**
 * @returns what decides who may do what; undefined if everybody may do everything
 * @throws {ConfigError} if a file that it needs cannot be used
 */
export function createAccessController(
  settings: AuthSettings | undefined,
  _logger: Logger,
): AccessController | undefined {
  switch (settings?.kind) {
    // Refused before it comes here, unless somebody insists.
    case "token":
    case "htpasswd":
    case "silly":
    case undefined:
      return undefined;
  }
}
