import { lstatSync } from "node:fs";
import { RegistryStateError } from "../../errors.ts";
import type { UndoServerReadOnly } from "../../state/duty.ts";
import {
  forgetReadOnly,
  type KeptReadOnly,
  keepReadOnly,
  readKeptReadOnly,
} from "../../state/read-only-state.ts";

/**
 * Takes back what a server that does not run has kept for its next start.
 *
 * @returns false if nothing of that duty is kept
 * @throws {RegistryStateError} if it is to stay read-only, but by the words of another user's file
 */
export function restoreKeptReadOnly(undo: UndoServerReadOnly): boolean {
  const folders = heldFolders(undo);
  // Those that were added later go first: it is by the others that they are found.
  for (const folder of folders.reverse()) restore(folder, undo);
  return folders.length > 0;
}

/**
 * @returns the state folders in which it is kept that the server refuses writes for this duty: those that the duty names,
 *   then those of stores to which the server has gone since
 */
export function heldFolders({ stateFolders, token }: UndoServerReadOnly): string[] {
  const found = new Set<string>();
  for (const folder of stateFolders) {
    const kept = keptIn(folder);
    if (kept?.reason !== token) continue;
    found.add(folder);
    for (const other of kept.folders ?? []) {
      // What one user has written leads to nothing of another.
      if (keptIn(other)?.reason === token && ownerOf(other) === ownerOf(folder)) found.add(other);
    }
  }
  return [...found];
}

function restore(folder: string, { before }: UndoServerReadOnly): void {
  const kept = keptIn(folder);
  if (kept === undefined) return;
  const isOver = before.until !== undefined && Date.parse(before.until) <= Date.now();
  if (!before.on || isOver) forgetReadOnly(folder);
  else if (ownerOf(folder) === process.getuid?.()) {
    const until = before.until === undefined ? {} : { until: before.until };
    const { since, folders } = kept;
    const others = folders === undefined ? {} : { folders };
    keepReadOnly(folder, { since, reason: before.reason ?? "as before", ...until, ...others });
  } else {
    throw new RegistryStateError(
      "the server does not run, and would be read-only without an end when it is started",
      {
        hint: 'start it, then run "registry-ctl recover" again',
      },
    );
  }
}

function ownerOf(folder: string): number {
  return lstatSync(folder).uid;
}

/** What cannot be read is not ours to judge: the server looks at it at its start. */
function keptIn(folder: string): KeptReadOnly | undefined {
  try {
    return readKeptReadOnly(folder);
  } catch {
    return undefined;
  }
}
