import { createHash } from "node:crypto";
import { isRemote } from "../../../registry/remote-store.ts";
import { statSmallFile } from "../../../registry/small-file.ts";
import type { ScannedFile } from "../../../storage/abilities.ts";
import type { StorageDriver } from "../../../storage/driver.ts";
import { FileTooLargeError } from "../../../storage/errors.ts";
import { MAX_LINK_BYTES, readLinkText } from "../link-texts.ts";

/** What one store says of one file. */
export interface FileFacts {
  sizeBytes: number;
  /** By the store's clock; undefined if it was not asked for. */
  modifiedMs?: number | undefined;
  /** Of a small file whose content was read. */
  text?: string | undefined;
  /** Of the content, where a listing brought it. */
  md5?: string | undefined;
}

/** What of a file matters: its size, or its content too as it is a link. */
export type Depth = "size" | "content";

/** One of the two stores that are compared. */
export class StoreSide {
  readonly name: "source" | "target";
  readonly driver: StorageDriver;
  /** Each look at a file is a request, so that what a listing brings is taken instead. */
  readonly #isRemote: boolean;

  constructor(name: "source" | "target", driver: StorageDriver) {
    this.name = name;
    this.driver = driver;
    this.#isRemote = isRemote(driver);
  }

  /**
   * What is known of a file that a listing has given, with as few looks at it as possible.
   *
   * @returns undefined if it is gone by now
   * @throws {StorageUnavailableError}
   */
  async listed({ path, sizeBytes, modifiedMs, contentMd5 }: ScannedFile, depth: Depth) {
    if (!this.#isRemote && depth === "content") return this.read(path);
    if (sizeBytes === undefined) return statSmallFile(this.driver, path);
    const facts: FileFacts = { sizeBytes, modifiedMs, md5: contentMd5 };
    return facts;
  }

  /**
   * Looks at a file anew.
   *
   * @returns undefined if there is none
   * @throws {StorageUnavailableError}
   */
  async look(path: string, depth: Depth): Promise<FileFacts | undefined> {
    const info = await statSmallFile(this.driver, path);
    if (info === undefined || depth === "size" || info.sizeBytes > MAX_LINK_BYTES) return info;
    const read = await this.read(path);
    return read && { ...read, modifiedMs: info.modifiedMs };
  }

  /**
   * Reads a small file. What is too large for a link is not read, and only its size told.
   *
   * @returns undefined if there is none
   * @throws {StorageUnavailableError}
   */
  async read(path: string): Promise<FileFacts | undefined> {
    const read = await readLinkText(this.driver, path);
    if ("error" in read) {
      if (read.error instanceof FileTooLargeError) return statSmallFile(this.driver, path);
      throw read.error;
    }
    return read.text === undefined ? undefined : { sizeBytes: read.text.length, text: read.text };
  }
}

/** @returns whether two files have the same content; undefined if that takes reading them */
export function haveSameContent(source: FileFacts, target: FileFacts): boolean | undefined {
  if (source.text !== undefined && target.text !== undefined) return source.text === target.text;
  const [one, other] = [md5Of(source), md5Of(target)];
  // A store may be wrong about it: only what is equal says something.
  return one !== undefined && one === other ? true : undefined;
}

function md5Of({ text, md5 }: FileFacts): string | undefined {
  return text === undefined ? md5 : createHash("md5").update(text, "latin1").digest("hex");
}
