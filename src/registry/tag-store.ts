import { PathNotFoundError } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";
import { checkTag, isTag } from "../oci/reference.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { hasManifests } from "./catalog.ts";
import { BrokenLinkError, RepositoryUnknownError, TagUnknownError } from "./errors.ts";
import { givingWay } from "./give-way.ts";
import { readLink, writeLink } from "./link.ts";
import { subfolderNames } from "./list-folder.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath, tagPath, tagsPath } from "./paths.ts";
import { removeFolderExactly } from "./remove-folder.ts";
import { deleteIfThere, fileSizeBytes, removeIfEmpty } from "./small-file.ts";

/** Which tags {@link TagStore.list} gives. */
export interface TagListOptions {
  /** Only tags behind this one; it need not exist. */
  last?: string;
  /** At most so many. Default: all. */
  limit?: number;
}

/** The tags of one repository. They are read from the store each time, since other processes move them. */
export class TagStore {
  readonly #driver: StorageDriver;
  readonly #repository: string;

  constructor(driver: StorageDriver, repository: string) {
    this.#driver = driver;
    this.#repository = repository;
  }

  /** @throws {InvalidReferenceError} if `tag` is not a tag */
  check(tag: string): void {
    checkTag(tag);
  }

  /**
   * @returns the digest that a tag points to; whether that manifest exists is not looked at
   * @throws {TagUnknownError} if there is no such tag, or its link is broken
   * @throws {InvalidReferenceError} if `tag` is not a tag
   */
  async resolve(tag: string): Promise<Digest> {
    checkTag(tag);
    try {
      const digest = await readLink(this.#driver, tagCurrentLinkPath(this.#repository, tag));
      if (digest !== undefined) return digest;
    } catch (error) {
      if (!(error instanceof BrokenLinkError)) throw error;
      throw new TagUnknownError(this.#repository, tag, {
        detail: `its link is broken: ${error.reason}`,
        cause: error,
      });
    }
    throw new TagUnknownError(this.#repository, tag);
  }

  /**
   * Lists tags in byte order. What a crash left of a tag (a folder without a current link) is not listed, a tag with a
   * broken link is.
   *
   * @throws {RepositoryUnknownError} if the repository has neither tags nor manifests
   */
  async list(options: TagListOptions = {}): Promise<{ tags: string[]; more: boolean }> {
    const { last, limit = Number.POSITIVE_INFINITY } = options;
    const names = await this.#folders();
    const tags: string[] = [];
    if (limit <= 0) return { tags, more: false };
    const giveWay = givingWay();
    for (const name of names) {
      if (last !== undefined && name <= last) continue;
      await giveWay();
      if ((await fileSizeBytes(this.#driver, tagCurrentLinkPath(this.#repository, name))) === undefined)
        continue;
      if (tags.length === limit) return { tags, more: true };
      tags.push(name);
    }
    return { tags, more: false };
  }

  /**
   * Points a tag to a manifest: first remembers it in the tag's history, then sets the current link. Durable when it
   * resolves.
   * @throws {InvalidReferenceError} if `tag` is not a tag
   */
  async set(tag: string, digest: Digest): Promise<void> {
    checkTag(tag);
    await writeLink(this.#driver, tagHistoryLinkPath(this.#repository, tag, digest), digest);
    await writeLink(this.#driver, tagCurrentLinkPath(this.#repository, tag), digest);
  }

  /**
   * Removes a tag: first the current link, so that it is gone at once, then its history.
   * @throws {TagUnknownError} if there is no such tag
   * @throws {InvalidReferenceError} if `tag` is not a tag
   */
  async delete(tag: string): Promise<void> {
    checkTag(tag);
    const current = tagCurrentLinkPath(this.#repository, tag);
    if (!(await deleteIfThere(this.#driver, current))) throw new TagUnknownError(this.#repository, tag);
    const folder = tagPath(this.#repository, tag);
    await removeIfEmpty(this.#driver, `${folder}/current`);
    await removeFolderExactly(this.#driver, `${folder}/index`);
    await removeIfEmpty(this.#driver, folder);
  }

  /**
   * Removes a tag that still points to `digest`.
   * @returns false, with nothing changed, if it is gone or points elsewhere by now
   */
  async deleteIfPointingTo(tag: string, digest: Digest): Promise<boolean> {
    try {
      if ((await this.resolve(tag)) !== digest) return false;
      await this.delete(tag);
      return true;
    } catch (error) {
      if (error instanceof TagUnknownError) return false;
      throw error;
    }
  }

  /** @returns the tags that point to a manifest, in byte order; reads all tags of the repository */
  async pointingTo(digest: Digest): Promise<string[]> {
    const tags: string[] = [];
    const giveWay = givingWay();
    for (const tag of await this.#foldersIfAny()) {
      await giveWay();
      if ((await this.#target(tag)) === digest) tags.push(tag);
    }
    return tags;
  }

  async #target(tag: string): Promise<Digest | undefined> {
    try {
      return await readLink(this.#driver, tagCurrentLinkPath(this.#repository, tag));
    } catch (error) {
      if (error instanceof BrokenLinkError) return undefined;
      throw error;
    }
  }

  async #foldersIfAny(): Promise<string[]> {
    try {
      return await this.#folders();
    } catch (error) {
      if (error instanceof RepositoryUnknownError) return [];
      throw error;
    }
  }

  /** The names of all tag folders in byte order, which is not the order of the listing: that has `a-b` before `a`. */
  async #folders(): Promise<string[]> {
    try {
      const names = await subfolderNames(this.#driver, tagsPath(this.#repository));
      return names.filter(isTag).sort();
    } catch (error) {
      if (!(error instanceof PathNotFoundError)) throw error;
      if (await hasManifests(this.#driver, this.#repository)) return [];
      throw new RepositoryUnknownError(this.#repository, { cause: error });
    }
  }
}
