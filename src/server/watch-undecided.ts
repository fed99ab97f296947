import { isDigest } from "../oci/digest.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { type FileBefore, tellsUndecided } from "../storage/object-store-abilities.ts";
import type { PinKey } from "./coordination/coordination.ts";
import { keyOfFile, tagStateKey } from "./pin-keys.ts";

/** What of some keys the store may still carry out. */
export interface UndecidedWatch {
  /** Grows until {@link end}. Requests beside this one that change the same keys are among it, which does no harm. */
  readonly keys: ReadonlySet<PinKey>;
  end(): void;
}

/**
 * Remembers of which of the keys a change was asked for that got no answer, be it that a later attempt succeeds. Of a tag
 * that only something certain may be replaced of, the key of that state ({@link tagStateKey}) is told instead.
 */
export function watchUndecided(driver: StorageDriver, keys: readonly PinKey[]): UndecidedWatch {
  const wanted = new Set(keys);
  const undecided = new Set<PinKey>();
  if (!tellsUndecided(driver)) return { keys: undecided, end: () => {} };
  const end = driver.watchUndecided((path, over) => {
    const key = keyOfFile(path);
    if (key === undefined || !wanted.has(key)) return;
    undecided.add(over === undefined ? key : tagStateKey(key, stateOf(over)));
  });
  return { keys: undecided, end };
}

/** What is no digest nobody writes anew. */
function stateOf(over: FileBefore): string {
  if (over === "nothing") return "";
  const text = Buffer.from(over).toString("latin1");
  return isDigest(text) ? text : "?";
}
