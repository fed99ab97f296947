import type { Control } from "../../../control/protocol.ts";
import { findServer } from "../../../process/control/find-server.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { isDryRun } from "../../../ui/options/dry-run.ts";
import type { CommandContext } from "../../context.ts";
import { type OpenedTagSource, openTagSource } from "../open-tag-source.ts";
import type { PointFlags } from "./point-tag.ts";
import type { TagReference } from "./tag-reference.ts";

/** What a tag is set with. */
export interface OpenedForPointing extends Pick<OpenedTagSource, "recorder" | "close"> {
  /** Of the command, for the history. */
  command: string;
  driver: StorageDriver;
  /** Of ours, which serves the store; undefined: there is none. */
  server: Control | undefined;
}

/**
 * Opens the store, and finds the server of ours that works on it.
 *
 * @param command - without options: `tags set`
 */
export async function openForPointing(
  context: CommandContext,
  flags: PointFlags,
  command: string,
  { repository, tag }: TagReference,
): Promise<OpenedForPointing> {
  const config = await context.loadConfig({ flags, destructive: !isDryRun(flags), silent: true });
  // Before root becomes another user, who may not see it.
  const server = await findServer(config, flags);
  const { driver, recorder, close } = await openTagSource(context, undefined, flags, {
    command,
    access: isDryRun(flags) ? "try" : "change",
    change: { repository, tag },
  });
  if (driver === undefined) throw new Error("a tag is set in a store");
  return { command, server, driver, recorder, close };
}
