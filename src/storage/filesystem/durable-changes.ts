import { dirname } from "node:path";
import { InvalidPathError } from "../../errors.ts";
import type { Folders } from "./folders.ts";
import { type FsFile, type FsOperations, writeFully } from "./fs-operations.ts";
import { temporaryPathFor } from "./temporary-name.ts";
import { errorCode, isMissing } from "./translate-error.ts";

const COPY_BYTES = 1024 * 1024;
/** What file systems without hard links answer to `link`. */
const NO_LINKS = new Set(["EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK"]);

/**
 * The changes of a file system that survive a power cut, each in this order: write a temporary file, sync it, rename
 * it, sync its folder and the parents of each new folder. Paths are absolute paths of the file system.
 */
export class DurableChanges {
  readonly #fs: FsOperations;
  readonly #folders: Folders;

  constructor(fs: FsOperations, folders: Folders) {
    this.#fs = fs;
    this.#folders = folders;
  }

  /** Opens a new file beside `path`, with the owner that it shall have. */
  async openTemporary(path: string): Promise<{ file: FsFile; temporaryPath: string }> {
    const temporaryPath = temporaryPathFor(path);
    return { file: await this.#create(temporaryPath), temporaryPath };
  }

  /** Opens a file to write in place, which is made if it is missing. */
  async openInPlace(path: string): Promise<FsFile> {
    try {
      return await this.#fs.open(path, "modify");
    } catch (error) {
      if (!isMissing(error)) throw error;
      return await this.#create(path);
    }
  }

  /** Replaces the content of a file atomically. */
  async replace(path: string, content: Uint8Array): Promise<void> {
    const temporaryPath = await this.#writeTemporary(path, content);
    await this.publish(temporaryPath, path);
  }

  /** Gives a synced temporary file its name; if that fails nothing of it remains. */
  async publish(temporaryPath: string, path: string): Promise<void> {
    try {
      await this.#fs.rename(temporaryPath, path);
    } catch (error) {
      await this.discard(temporaryPath);
      throw folderInTheWay(error, path);
    }
    await this.#folders.syncer.sync(dirname(path));
  }

  /** Makes the name of a file durable that was written in place. */
  async settleName(path: string): Promise<void> {
    await this.#folders.syncer.sync(dirname(path));
  }

  /** Creates a file with its content in one step. @returns false if there is one already */
  async createIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    const temporaryPath = await this.#writeTemporary(path, content);
    try {
      await this.#fs.link(temporaryPath, path);
    } catch (error) {
      const code = errorCode(error) ?? "";
      if (code === "EEXIST") return false;
      if (!NO_LINKS.has(code)) throw error;
      if (!(await this.#createInPlace(path, content))) return false;
    } finally {
      await this.discard(temporaryPath);
    }
    await this.#folders.syncer.sync(dirname(path));
    return true;
  }

  /** Renames a file, copying it where it goes to another file system. */
  async move(from: string, to: string): Promise<void> {
    const stillThere = async () => void (await this.#fs.stat(from));
    try {
      await this.#folders.within(dirname(to), () => this.#fs.rename(from, to), stillThere);
    } catch (error) {
      if (errorCode(error) !== "EXDEV") throw folderInTheWay(error, to);
      await this.#copy(from, to);
      await this.#fs.unlink(from);
      return;
    }
    await this.#folders.syncer.sync(dirname(to));
  }

  /** Removes a file that may be missing. */
  async discard(path: string): Promise<void> {
    try {
      await this.#fs.unlink(path);
    } catch (error) {
      if (!isMissing(error)) throw error;
    }
  }

  async #create(path: string): Promise<FsFile> {
    const folder = dirname(path);
    const file = await this.#folders.within(folder, () => this.#fs.open(path, "create"));
    try {
      await this.#folders.adoptFile(file, folder);
    } catch (error) {
      await file.close();
      await this.discard(path);
      throw error;
    }
    return file;
  }

  async #writeTemporary(path: string, content: Uint8Array): Promise<string> {
    const { file, temporaryPath } = await this.openTemporary(path);
    await this.#fill(file, temporaryPath, () => writeFully(file, content, 0));
    return temporaryPath;
  }

  async #createInPlace(path: string, content: Uint8Array): Promise<boolean> {
    let file: FsFile;
    try {
      file = await this.#create(path);
    } catch (error) {
      if (errorCode(error) === "EEXIST") return false;
      throw error;
    }
    await this.#fill(file, path, () => writeFully(file, content, 0));
    return true;
  }

  async #copy(from: string, to: string): Promise<void> {
    const source = await this.#fs.open(from, "read");
    try {
      const { file, temporaryPath } = await this.openTemporary(to);
      await this.#fill(file, temporaryPath, async () => {
        const buffer = Buffer.allocUnsafe(COPY_BYTES);
        for (let position = 0; ; ) {
          const bytesRead = await source.read(buffer, position);
          if (bytesRead === 0) break;
          await writeFully(file, buffer.subarray(0, bytesRead), position);
          position += bytesRead;
        }
      });
      await this.publish(temporaryPath, to);
    } finally {
      await source.close();
    }
  }

  /** Writes, syncs and closes a new file; on a failure it is removed. */
  async #fill(file: FsFile, path: string, write: () => Promise<void>): Promise<void> {
    try {
      try {
        await write();
        await file.datasync();
      } finally {
        await file.close();
      }
    } catch (error) {
      await this.discard(path);
      throw error;
    }
  }
}

function folderInTheWay(error: unknown, path: string): unknown {
  const code = errorCode(error) ?? "";
  const isFolder = ["EISDIR", "ENOTEMPTY", "EEXIST"].includes(code);
  return isFolder ? new InvalidPathError(path, "a folder is at this path") : error;
}
