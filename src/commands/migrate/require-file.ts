import type { ComparableConfig } from "../../config/load-config.ts";
import { UsageError } from "../../errors.ts";
import type { CommandContext } from "../context.ts";
import { configFileOf } from "./open-session.ts";

/**
 * @returns absolute path of the configuration that is to be changed
 * @throws {UsageError} if there is no file that could be
 */
export function requireFile(config: ComparableConfig, context: CommandContext): string {
  const file = configFileOf(config, context);
  if (file !== undefined) return file;
  throw new UsageError("the embedded configuration cannot be changed to another store", {
    hint: "write one (registry-ctl config show), start the registry with it, then name it",
  });
}
