import { hostname } from "node:os";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import { CommandJournal } from "../../state/command-journal.ts";
import { currentActor } from "../machine/current-actor.ts";
import type { CollectionJournal } from "./continuous-collection.ts";

/** Options of {@link runJournals}. */
export interface RunJournalsOptions {
  /** Of the store: a server may write there, unlike in the folder above, which may be root's. */
  stateFolder: string | undefined;
  store: () => StorageSettings;
  logger: Logger;
}

/** @returns what writes collections down that nobody has asked for; undefined without a state folder */
export function runJournals({
  stateFolder,
  store,
  logger,
}: RunJournalsOptions): ((options: readonly string[]) => CollectionJournal) | undefined {
  if (stateFolder === undefined) return undefined;
  return (options) => {
    // Not the person who once started the server.
    const { uid, user } = currentActor({}, process.getuid?.() ?? 0);
    const journal = new CommandJournal({
      folder: stateFolder,
      command: {
        command: "garbage-collect",
        arguments: ["garbage-collect", ...options],
        actor: { uid, ...(user === undefined ? {} : { user }) },
        ...{ host: hostname(), pid: process.pid },
      },
      onProblem: (error) =>
        logger.warn("a collection is missing from the journal of commands", { error: messageOf(error) }),
    });
    return {
      note: (change) => journal.note({ target: storeName(store()), ...change }),
      end: (result) => journal.end(result),
    };
  };
}
