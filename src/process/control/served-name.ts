import { existsSync, rmSync, writeFileSync } from "node:fs";
import { basename, join } from "node:path";
import type { RuntimePlace } from "./runtime-folder.ts";

/**
 * Beside a socket whose server has gone to another store: the place is named by the one that it served at its start, and who
 * looks for a server of that store must not take this one for it.
 */
const FILE = "registry-ctl.moved";

/** @param name - what `serverName` gives for what is served now */
export function noteServedName({ folder, isOwn }: RuntimePlace, name: string): void {
  if (!isOwn) return;
  if (name === basename(folder)) rmSync(join(folder, FILE), { force: true });
  else writeFileSync(join(folder, FILE), `${name}\n`, { mode: 0o600 });
}

/** A server begins or ends here. Never throws. */
export function forgetServedName({ folder, isOwn }: RuntimePlace): void {
  try {
    if (isOwn) rmSync(join(folder, FILE), { force: true });
  } catch {
    // In a folder that cannot be changed there is none.
  }
}

/** Tells whether the server at a place, if there is one, works on another store than the place is named by. */
export function servesOther({ folder }: RuntimePlace): boolean {
  return existsSync(join(folder, FILE));
}
