import { CancelledError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Descriptor } from "../../oci/descriptor.ts";
import type { Digest } from "../../oci/digest.ts";
import { isIndexType } from "../../oci/media-types.ts";
import { parseStored } from "../../registry/threads/read-manifests.ts";
import type { ProtectedImages } from "./protected.ts";
import type { TagSource, TagTarget } from "./tag-source.ts";

/** Manifests read at a time. */
const CONCURRENCY = 8;

/** Why a tag stays for the sake of protected images. */
export interface TagProtection {
  /** For people. */
  reason: string;
  /** What it points to could not be read: it may be of no use to any of them. */
  isDoubt: boolean;
}

/** A tag that is to be deleted, with the media type of what it points to where that is known. */
export type TagToProtect = TagTarget & { mediaType?: string | undefined };

/**
 * Finds out which tags stay although they are to be deleted: those that are protected, those that point to what is, and those
 * that point to an index of it, at any depth: what runs somewhere is usually the manifest of one platform. Manifests are read
 * only if digests are protected, of tags that are not known to point to something else than an index, and each once. A
 * manifest that cannot be read, or is not there, keeps its tags.
 *
 * @returns by name
 * @throws {CancelledError} when the signal came
 */
export async function protectTags(
  source: TagSource,
  repository: string,
  tags: readonly TagToProtect[],
  { images, signal }: { images: ProtectedImages | undefined; signal?: AbortSignal | undefined },
): Promise<ReadonlyMap<string, TagProtection>> {
  const staying = new Map<string, TagProtection>();
  if (images === undefined) return staying;
  const open = new Map<Digest, string[]>();
  for (const { name, digest, mediaType } of tags) {
    if (images.protects(repository, name, digest)) {
      staying.set(name, { reason: "it is protected", isDoubt: false });
    } else if (digest !== undefined && (mediaType === undefined || isIndexType(mediaType))) {
      const names = open.get(digest);
      if (names) names.push(name);
      else open.set(digest, [name]);
    }
  }
  if (images.digests.size === 0 || open.size === 0) return staying;
  const indexes = new Indexes(source.manifests(repository, signal), images);
  await forEachConcurrently(open, CONCURRENCY, async ([digest, names]) => {
    if (signal?.aborted) throw new CancelledError();
    const protection = await indexes.protectionOf(digest);
    if (protection !== undefined) for (const name of names) staying.set(name, protection);
  });
  if (signal?.aborted) throw new CancelledError();
  return staying;
}

class Indexes {
  readonly #content: ReturnType<TagSource["manifests"]>;
  readonly #images: ProtectedImages;
  readonly #children = new Map<Digest, Promise<readonly Descriptor[]>>();

  constructor(content: ReturnType<TagSource["manifests"]>, images: ProtectedImages) {
    this.#content = content;
    this.#images = images;
  }

  async protectionOf(root: Digest): Promise<TagProtection | undefined> {
    let doubt: TagProtection | undefined;
    const indexes = new Set<Digest>([root]);
    // A set gives what is added to it while it is gone through.
    for (const index of indexes) {
      try {
        for (const { digest, mediaType } of await this.#childrenOf(index)) {
          if (this.#images.digests.has(digest)) {
            this.#images.noteDigest(digest);
            return { reason: "an image of its index is protected", isDoubt: false };
          }
          if (isIndexType(mediaType)) indexes.add(digest);
        }
      } catch (error) {
        if (error instanceof CancelledError) throw error;
        doubt ??= {
          reason: `whether it holds a protected image cannot be read: ${index}: ${messageOf(error)}`,
          isDoubt: true,
        };
      }
    }
    return doubt;
  }

  #childrenOf(index: Digest): Promise<readonly Descriptor[]> {
    let children = this.#children.get(index);
    if (children === undefined) {
      children = this.#read(index);
      this.#children.set(index, children);
    }
    return children;
  }

  async #read(index: Digest): Promise<readonly Descriptor[]> {
    const bytes = await this.#content.manifest(index);
    if (bytes === undefined) throw new Error("its manifest is not there");
    return parseStored(bytes, index).children;
  }
}
