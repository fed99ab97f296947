import { basename, dirname, join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { checkPath } from "../check-path.ts";
import type { Naming, SecondName } from "../naming-abilities.ts";
import type { Folders } from "./folders.ts";
import type { StoreFolder } from "./store-folder.ts";
import { errorCode, isMissing } from "./translate-error.ts";

/** So many files get their name before the event loop gets its turn. */
const LINKS_AT_ONCE = 256;
/** More syncs at a time gain nothing, since a file system commits them together. */
const SYNCS_AT_ONCE = 16;
/** What is answered where two names cannot lead to one file. */
const CANNOT_LINK = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]);
/** What is answered where a folder cannot get this name: another disk, something there, a disk mounted at it. */
const CANNOT_RENAME = new Set(["EXDEV", "ENOTEMPTY", "EEXIST", "ENOTDIR", "EBUSY", "EINVAL"]);

/**
 * Somebody may have put a project, a repository or a part of one on another disk, and a link in its place; not single tags or
 * manifests, of which there are too many to look into each.
 */
const LEVELS_OF_PARTS = 1;

/** Names of files and folders in a file system. */
export class NameWork implements Naming {
  readonly #store: StoreFolder;
  readonly #folders: Folders;

  constructor(store: StoreFolder, folders: Folders) {
    this.#store = store;
    this.#folders = folders;
  }

  async linkFiles(files: readonly SecondName[]): Promise<SecondName[]> {
    const left: SecondName[] = [];
    for (const [index, file] of files.entries()) {
      if (index > 0 && index % LINKS_AT_ONCE === 0) await setImmediate();
      checkPath(file.from);
      checkPath(file.to);
      const [existing, path] = [this.#store.absolute(file.from), this.#store.absolute(file.to)];
      try {
        const isLinked = this.#linkSync(existing, path) ?? (await this.#link(existing, path));
        if (!isLinked) left.push(file);
      } catch (error) {
        throw this.#store.translate(error, "give another name to", file.from);
      }
    }
    return left;
  }

  /** @returns undefined if there are no folders to put it in */
  #linkSync(existing: string, path: string): boolean | undefined {
    const { fs } = this.#store;
    const folder = dirname(path);
    try {
      this.#folders.makeSync(folder);
      fs.linkSync(existing, path);
      return true;
    } catch (error) {
      if (isMissing(error)) return undefined;
      return answerOf(error);
    }
  }

  async #link(existing: string, path: string): Promise<boolean> {
    const { fs } = this.#store;
    const stillThere = async () => void (await fs.stat(existing));
    try {
      await this.#folders.within(dirname(path), () => fs.link(existing, path), stillThere);
      return true;
    } catch (error) {
      // It was removed by somebody else.
      return isMissing(error) ? false : answerOf(error);
    }
  }

  async moveFolder(from: string, to: string): Promise<boolean> {
    checkPath(to, "folder");
    return this.#store.run(
      "rename",
      from,
      async (absolute) => {
        const target = this.#store.absolute(to);
        const { fs } = this.#store;
        try {
          if (!(await fs.stat(absolute)).isDirectory() || (await this.#hasLinks(absolute))) return false;
          const stillThere = async () => void (await fs.stat(absolute));
          await this.#folders.within(dirname(target), () => this.#rename(absolute, target), stillThere);
        } catch (error) {
          if (CANNOT_RENAME.has(errorCode(error) ?? "") || isMissing(error)) return false;
          throw error;
        }
        const { syncer } = this.#folders;
        syncer.forget(absolute);
        syncer.forget(target);
        // The new name first: with a power cut in between the folder has both or the new one.
        await syncer.sync(dirname(target));
        await syncer.syncNearest(dirname(absolute));
        return true;
      },
      "folder",
    );
  }

  /** A link with a relative target leads elsewhere from another folder. */
  async #hasLinks(absolute: string): Promise<boolean> {
    const { fs } = this.#store;
    const itself = join(await fs.realpath(dirname(absolute)), basename(absolute));
    return itself !== (await fs.realpath(absolute)) || this.#hasLinksIn(absolute, Number.POSITIVE_INFINITY);
  }

  /** @param levels - so many levels of folders below it are looked at, too */
  async #hasLinksIn(folder: string, levels: number): Promise<boolean> {
    const { fs } = this.#store;
    const entries = await fs.readdir(folder);
    if (entries.some((entry) => entry.isSymbolicLink())) return true;
    if (levels === 0) return false;
    for (const entry of entries) {
      const below = Math.min(levels - 1, entry.name.startsWith("_") ? LEVELS_OF_PARTS : levels);
      if (entry.isDirectory() && (await this.#hasLinksIn(join(folder, entry.name), below))) return true;
    }
    return false;
  }

  async settleNames(folders: Iterable<string>): Promise<void> {
    const own = [...folders];
    const above = new Set<string>();
    const settle = (some: Iterable<string>, work: (absolute: string) => Promise<void>): Promise<void> =>
      forEachConcurrently(some, SYNCS_AT_ONCE, (folder) => this.#store.run("sync", folder, work, "folder"));
    const { syncer } = this.#folders;
    await settle(own, (absolute) => syncer.syncOnly(absolute));
    for (const folder of own) if (folder !== "/") above.add(dirname(folder));
    // Their entries first: these are what the folders themselves are.
    await settle(above, (absolute) => syncer.sync(absolute));
  }

  /** A folder would take the place of an empty one, whose owner and mode would be lost. */
  async #rename(from: string, to: string): Promise<void> {
    const { fs } = this.#store;
    const present = await fs.stat(to).catch((error: unknown) => {
      if (isMissing(error)) return undefined;
      throw error;
    });
    if (present !== undefined) throw Object.assign(new Error("something is there"), { code: "EEXIST" });
    await fs.rename(from, to);
  }
}

function answerOf(error: unknown): boolean {
  const code = errorCode(error) ?? "";
  if (code === "EEXIST") return true;
  if (CANNOT_LINK.has(code)) return false;
  throw error;
}
