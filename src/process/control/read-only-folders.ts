import { RegistryStateError } from "../../errors.ts";
import {
  forgetReadOnly,
  isSameReadOnly,
  type KeptReadOnly,
  keepReadOnly,
  keptReadOnlyPath,
  readKeptReadOnly,
} from "../../state/read-only-state.ts";

/** What was carried to the state folder of another store, and holds when one of both is called. */
export interface CarriedReadOnly {
  /** The other store is served: its folder counts from now on. */
  commit(): void;
  /** It is not: nothing is kept there any more. Never throws. */
  takeBack(): void;
}

/**
 * The state folders in which it is kept that a server refuses writes: that of its store and, if the server has gone from one
 * store to another meanwhile, those of all these stores. Whichever of them is named by the configuration that the next start
 * reads, that start finds it; and whoever takes it back where it was asked for finds all others. So it is written in that first
 * folder before it is in another one, and goes from there last.
 */
export class ReadOnlyFolders {
  /** Of the store that is served. */
  #current: string | undefined;
  /** In which it is kept; the one where it was asked for comes first. */
  #folders: readonly string[] = [];
  #kept: KeptReadOnly | undefined;

  constructor(current: string | undefined) {
    this.#current = current;
  }

  /**
   * @returns what an earlier server has kept for the store that is served, be it over or not
   * @throws {Error} if it cannot be read: then nobody knows
   */
  read(): KeptReadOnly | undefined {
    const current = this.#current;
    const found = current === undefined ? undefined : readKeptReadOnly(current);
    if (current === undefined || found === undefined) return undefined;
    const { folders = [], ...kept } = found;
    this.#kept = kept;
    this.#folders = folders.includes(current) ? folders : [...folders, current];
    return kept;
  }

  /** Keeps what was asked for now, in the place of what was before. @throws {Error} if that cannot be written */
  keep(state: KeptReadOnly): void {
    const current = this.#current;
    if (current === undefined) throw new Error("there is no state folder");
    keepReadOnly(current, state);
    const others = this.#folders.filter((folder) => folder !== current);
    const before = this.#kept;
    this.#kept = state;
    this.#folders = [current];
    for (const folder of others.reverse()) forgetIfSame(folder, before);
  }

  /** Nothing is asked for any more. @throws {Error} if it cannot be removed */
  forget(): void {
    const current = this.#current;
    if (current === undefined) return;
    const folders = this.#folders.includes(current) ? this.#folders : [...this.#folders, current];
    const [kept, failures] = [this.#kept, [] as unknown[]];
    for (const folder of [...folders].reverse()) {
      try {
        if (folder === current) forgetReadOnly(folder);
        else forgetIfSame(folder, kept);
      } catch (error) {
        failures.push(error);
      }
    }
    this.#kept = undefined;
    this.#folders = [];
    if (failures.length > 0) throw failures[0];
  }

  /**
   * Keeps it for another store too, before that is served.
   *
   * @param state - what is asked for; undefined: nothing is
   * @param folder - of the other store's state
   * @param isOver - tells whether the time of something is over that is kept there
   * @throws {RegistryStateError} if something else is kept there, which a start would go on with
   * @throws {Error} if it cannot be written; nothing has changed then
   */
  carry(
    state: KeptReadOnly | undefined,
    folder: string,
    isOver: (kept: KeptReadOnly) => boolean,
  ): CarriedReadOnly {
    const there = readKeptReadOnly(folder);
    const isOurs = there !== undefined && state !== undefined && isSameReadOnly(there, state);
    if (there !== undefined && !isOurs && !isOver(there)) throw isKeptThere(folder, there);
    const before =
      this.#folders.length === 0 && this.#current !== undefined ? [this.#current] : this.#folders;
    const isNew = state !== undefined && !before.includes(folder);
    const after = isNew ? [...before, folder] : before;
    const takeBack = (): void => {
      if (!isNew) return;
      tryTo(() => forgetReadOnly(folder));
      for (const each of before) tryTo(() => keepReadOnly(each, withFolders(state, before)));
    };
    try {
      if (isNew) for (const each of after) keepReadOnly(each, withFolders(state, after));
      else if (there !== undefined && !isOurs) forgetReadOnly(folder);
    } catch (error) {
      takeBack();
      throw error;
    }
    return {
      takeBack,
      commit: () => {
        this.#current = folder;
        this.#kept = state;
        this.#folders = state === undefined ? [] : after;
      },
    };
  }
}

function withFolders(state: KeptReadOnly, folders: readonly string[]): KeptReadOnly {
  return folders.length > 1 ? { ...state, folders: [...folders] } : state;
}

/** Another server may work on that store by now, and keep its own. */
function forgetIfSame(folder: string, state: KeptReadOnly | undefined): void {
  const kept = readKeptReadOnly(folder);
  if (kept !== undefined && state !== undefined && isSameReadOnly(kept, state)) forgetReadOnly(folder);
}

/** What stays so is found by its reason, and can be taken back by hand. */
function tryTo(change: () => void): void {
  try {
    change();
  } catch {
    // See above.
  }
}

function isKeptThere(folder: string, { since, reason }: KeptReadOnly): RegistryStateError {
  return new RegistryStateError(
    `that store is kept read-only since ${since} (${reason}), as a server there would be from its start`,
    { hint: `if nobody needs that any more, remove ${keptReadOnlyPath(folder)}` },
  );
}
