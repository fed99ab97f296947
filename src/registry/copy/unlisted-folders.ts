import { messageOf } from "../../lib/message-of.ts";
import type { ScanFailure } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { withoutVanished } from "../plan/without-vanished.ts";

/** Of more than so many, each path is said to be concerned, as it is asked of millions. */
const MAX_COMPARED = 100;

/** Folders of the source of which it is not known what is in them: nothing is removed then, and nothing named that may be in them. */
export class UnlistedFolders {
  readonly #source: StorageDriver;
  readonly #isLive: boolean;
  #failures: ScanFailure[] = [];
  #judged = 0;

  /** @param isLive - clients may remove folders while they are listed */
  constructor(source: StorageDriver, isLive: boolean) {
    this.#source = source;
    this.#isLive = isLive;
  }

  /** @returns false for what is never copied, so that it makes no difference what is in it */
  add(failure: ScanFailure): boolean {
    if (`${failure.path}/`.includes("/_uploads/")) return false;
    this.#failures.push(failure);
    return true;
  }

  /** Whether a file or folder may be in one of them, or one of them in it. */
  concern(path: string): boolean {
    if (this.#failures.length > MAX_COMPARED) return true;
    return this.#failures.some(
      (failure) =>
        failure.path === path || path.startsWith(`${failure.path}/`) || failure.path.startsWith(`${path}/`),
    );
  }

  get isEmpty(): boolean {
    return this.#failures.length === 0;
  }

  /** Forgets the folders that clients have removed meanwhile. @returns those that are new and stay */
  async judge(): Promise<{ path: string; error: string }[]> {
    if (this.#judged === this.#failures.length) return [];
    const known = this.#failures.slice(0, this.#judged);
    const added = this.#failures.slice(this.#judged);
    const staying = this.#isLive ? await withoutVanished(this.#source, added) : added;
    this.#failures = [...known, ...staying, ...this.#failures.slice(known.length + added.length)];
    this.#judged = known.length + staying.length;
    return staying.map(({ path, error }) => ({ path, error: messageOf(error) }));
  }
}
