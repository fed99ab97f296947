import { dirname } from "node:path";
import { PathNotFoundError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { checkPath } from "../check-path.ts";
import type { Naming } from "../naming-abilities.ts";
import type { Folders } from "./folders.ts";
import { DRIVER_NAME, type StoreFolder } from "./store-folder.ts";
import { errorCode, isMissing } from "./translate-error.ts";

/** More syncs at a time gain nothing, since a file system commits them together. */
const SYNCS_AT_ONCE = 16;
/** What is answered where two names cannot lead to one file. */
const CANNOT_LINK = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV"]);
/** What is answered where a folder cannot get this name: another disk, something there, a disk mounted at it. */
const CANNOT_RENAME = new Set(["EXDEV", "ENOTEMPTY", "EEXIST", "ENOTDIR", "EBUSY", "EINVAL"]);

/** Names of files and folders in a file system. */
export class NameWork implements Naming {
  readonly #store: StoreFolder;
  readonly #folders: Folders;

  constructor(store: StoreFolder, folders: Folders) {
    this.#store = store;
    this.#folders = folders;
  }

  async linkFile(from: string, to: string): Promise<boolean> {
    checkPath(to);
    return this.#store.run("give another name to", from, async (absolute) => {
      const target = this.#store.absolute(to);
      const { fs } = this.#store;
      const stillThere = async () => void (await fs.stat(absolute));
      try {
        await this.#folders.within(dirname(target), () => fs.link(absolute, target), stillThere);
        return true;
      } catch (error) {
        const code = errorCode(error) ?? "";
        if (code === "EEXIST") return true;
        if (CANNOT_LINK.has(code)) return false;
        if (isMissing(error)) throw new PathNotFoundError(DRIVER_NAME, from);
        throw error;
      }
    });
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
          if (!(await fs.stat(absolute)).isDirectory()) return false;
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

  async settleNames(folders: Iterable<string>): Promise<void> {
    await forEachConcurrently(folders, SYNCS_AT_ONCE, (folder) =>
      this.#store.run(
        "sync",
        folder,
        async (absolute) => {
          try {
            await this.#folders.syncer.sync(absolute);
          } catch (error) {
            if (!isMissing(error)) throw error;
          }
        },
        "folder",
      ),
    );
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
