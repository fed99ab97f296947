import { statSync } from "node:fs";
import { resolve } from "node:path";
import type { StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import type { ReadOnlyState } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";

/** A running server that is to go to another store. */
export interface LeavingServer {
  from: StorageSettings;
  to: StorageSettings;
  readOnly: ReadOnlyState;
  /** Of the store that it serves. */
  stateFolder: string | undefined;
  /** A collection is under way. */
  isCollecting: boolean;
}

/**
 * Sees whether a running server may go to another store now, as far as that is known without looking at that store.
 *
 * @throws {RegistryStateError} if not
 */
export function requireOtherStore({ from, to, readOnly, stateFolder, isCollecting }: LeavingServer): void {
  const change = `the configuration names another store, ${storeName(to)} in the place of ${storeName(from)}`;
  const refused = (why: string, hint: string): RegistryStateError =>
    new RegistryStateError(`${change}: ${why}`, { hint });
  // What only the other servers of the old store ask for ends with that store.
  if (!readOnly.on || readOnly.byStore === true) {
    throw refused(
      "the server takes that only while it is read-only, so that nothing is written to the old one that the new one has not",
      "registry-ctl migrate copies and changes the store; by hand: registry-ctl readonly on before the file names the other one",
    );
  }
  if (isCollecting) {
    throw refused(
      "a garbage collection is under way at the old one",
      "wait for its end, or end it with registry-ctl garbage-collect stop",
    );
  }
  if (stateFolder === undefined) {
    throw refused(
      "the server has no state folder, by which commands would find it there",
      "start it with --state-dir FOLDER",
    );
  }
  const owner = ownerOf(to);
  const uid = process.geteuid?.();
  if (owner !== undefined && uid !== undefined && owner !== uid) {
    throw refused(
      `that folder belongs to user ${owner}, and the server runs as user ${uid}, which it cannot change while it runs`,
      "give the folder to that user, or stop the server and have root start it",
    );
  }
}

/** @returns undefined for a bucket, or where the folder is not there or cannot be looked at: that is told when it is opened */
function ownerOf(storage: StorageSettings): number | undefined {
  if (storage.driver !== "filesystem") return undefined;
  try {
    return statSync(resolve(storage.rootDirectory), { throwIfNoEntry: false })?.uid;
  } catch {
    return undefined;
  }
}
