import { PathNotFoundError } from "../errors.ts";
import { mapInOrder } from "../lib/map-in-order.ts";
import type { Digest } from "../oci/digest.ts";
import { checkTag } from "../oci/reference.ts";
import type { StorageDriver } from "../storage/driver.ts";
import { hasManifests } from "./catalog.ts";
import type { ChangeWatcher, TagBefore } from "./change-watcher.ts";
import { BrokenLinkError, RepositoryUnknownError, TagUnknownError } from "./errors.ts";
import { givingWay } from "./give-way.ts";
import { moveLink, readLink, writeLink } from "./link.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath, tagPath } from "./paths.ts";
import { isRemote } from "./remote-store.ts";
import { removeFolderExactly } from "./remove-folder.ts";
import { deleteIfThere, fileSizeBytes, removeIfEmpty } from "./small-file.ts";
import { keepTagHistory } from "./tag-history.ts";
import { linkedTags, tagFolders } from "./tag-names.ts";

/** So many links of one repository are asked for at a time where each is a request. */
const REQUESTS_AT_ONCE = 32;

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
  readonly #watcher: ChangeWatcher | undefined;

  constructor(driver: StorageDriver, repository: string, watcher?: ChangeWatcher) {
    this.#driver = driver;
    this.#repository = repository;
    this.#watcher = watcher;
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
   * @returns what a tag points to, whether that manifest exists or not
   * @throws {InvalidReferenceError} if `tag` is not a tag
   */
  async pointsTo(tag: string): Promise<TagBefore> {
    checkTag(tag);
    try {
      return (await readLink(this.#driver, tagCurrentLinkPath(this.#repository, tag))) ?? "none";
    } catch (error) {
      if (error instanceof BrokenLinkError) return "unreadable";
      throw error;
    }
  }

  /**
   * Lists tags in byte order. What a crash left of a tag (a folder without a current link) is not listed, a tag with a
   * broken link is.
   *
   * @throws {RepositoryUnknownError} if the repository has neither tags nor manifests
   */
  async list(options: TagListOptions = {}): Promise<{ tags: string[]; more: boolean }> {
    const { last, limit = Number.POSITIVE_INFINITY } = options;
    const { names, areLinked } = await this.#names();
    if (limit <= 0) return { tags: [], more: false };
    const behind = last === undefined ? names : names.filter((name) => name > last);
    if (areLinked) return { tags: behind.slice(0, limit), more: behind.length > limit };
    const tags: string[] = [];
    for await (const tag of this.#withLink(behind)) {
      if (tags.length === limit) return { tags, more: true };
      tags.push(tag);
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
    const [before] = await Promise.all([
      this.#before(tag),
      writeLink(this.#driver, tagHistoryLinkPath(this.#repository, tag, digest), digest),
    ]);
    await moveLink(this.#driver, tagCurrentLinkPath(this.#repository, tag), digest);
    this.#watcher?.tagSet(tag, before, digest);
    await keepTagHistory(this.#driver, this.#repository, tag, digest);
  }

  /**
   * Removes a tag: first the current link, so that it is gone at once, then its history.
   * @throws {TagUnknownError} if there is no such tag
   * @throws {InvalidReferenceError} if `tag` is not a tag
   */
  async delete(tag: string): Promise<void> {
    checkTag(tag);
    await this.#remove(tag, await this.#before(tag));
  }

  async #remove(tag: string, before: TagBefore): Promise<void> {
    const current = tagCurrentLinkPath(this.#repository, tag);
    if (!(await deleteIfThere(this.#driver, current))) throw new TagUnknownError(this.#repository, tag);
    this.#watcher?.tagDeleted(tag, before);
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
      await this.#remove(tag, digest);
      return true;
    } catch (error) {
      if (error instanceof TagUnknownError) return false;
      throw error;
    }
  }

  /** @returns the tags that point to a manifest, in byte order; reads all tags of the repository */
  async pointingTo(digest: Digest): Promise<string[]> {
    const tags: string[] = [];
    const names = await this.#namesIfAny();
    if (isRemote(this.#driver)) {
      const targets = mapInOrder(names, REQUESTS_AT_ONCE - 1, async (tag) => ({
        tag,
        target: await this.#target(tag),
      }));
      for await (const { tag, target } of targets) if (target === digest) tags.push(tag);
      return tags;
    }
    const giveWay = givingWay();
    for (const tag of names) {
      await giveWay();
      if ((await this.#target(tag)) === digest) tags.push(tag);
    }
    return tags;
  }

  /** Those of the tags that have a current link, in the same order. */
  async *#withLink(names: readonly string[]): AsyncGenerator<string> {
    const isLinked = async (tag: string): Promise<boolean> =>
      (await fileSizeBytes(this.#driver, tagCurrentLinkPath(this.#repository, tag))) !== undefined;
    if (isRemote(this.#driver)) {
      const looks = mapInOrder(names, REQUESTS_AT_ONCE - 1, async (tag) => ({
        tag,
        found: await isLinked(tag),
      }));
      for await (const { tag, found } of looks) if (found) yield tag;
      return;
    }
    const giveWay = givingWay();
    for (const tag of names) {
      await giveWay();
      if (await isLinked(tag)) yield tag;
    }
  }

  /** For the watcher alone, so that nothing is asked of the store without one, and nothing fails by it. */
  async #before(tag: string): Promise<TagBefore> {
    if (!this.#watcher) return "none";
    try {
      return (await readLink(this.#driver, tagCurrentLinkPath(this.#repository, tag))) ?? "none";
    } catch {
      return "unreadable";
    }
  }

  async #target(tag: string): Promise<Digest | undefined> {
    try {
      return await readLink(this.#driver, tagCurrentLinkPath(this.#repository, tag));
    } catch (error) {
      if (error instanceof BrokenLinkError) return undefined;
      throw error;
    }
  }

  async #namesIfAny(): Promise<readonly string[]> {
    try {
      return (await this.#names()).names;
    } catch (error) {
      if (error instanceof RepositoryUnknownError) return [];
      throw error;
    }
  }

  /** @returns the names of all tags in byte order, and whether those without a current link are left out */
  async #names(): Promise<{ names: readonly string[]; areLinked: boolean }> {
    try {
      const linked = isRemote(this.#driver) ? await linkedTags(this.#driver, this.#repository) : undefined;
      if (linked !== undefined) return { names: linked, areLinked: true };
      return { names: await tagFolders(this.#driver, this.#repository), areLinked: false };
    } catch (error) {
      if (!(error instanceof PathNotFoundError)) throw error;
      if (await hasManifests(this.#driver, this.#repository)) return { names: [], areLinked: true };
      throw new RepositoryUnknownError(this.#repository, { cause: error });
    }
  }
}
