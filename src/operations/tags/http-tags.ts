import { listRepositoryNames, listTagNames } from "../../client/registry/listings.ts";
import type { RegistryClient } from "../../client/registry/registry-client.ts";
import { RegistryAnswerError } from "../../client/registry/registry-errors.ts";
import { RegistryReader } from "../../client/registry/registry-reader.ts";
import { TagRemover } from "../../client/registry/tag-remover.ts";
import { CancelledError, RegistryStateError } from "../../errors.ts";
import { byName } from "../../lib/compare-text.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type Digest, digestOf, isDigest } from "../../oci/digest.ts";
import { isParked } from "../../registry/parked.ts";
import { HttpContent, MAX_HTTP_MANIFEST_BYTES } from "./http-content.ts";
import { isPassing } from "./is-passing.ts";
import { ManifestReader, UNREAD_FACTS } from "./manifest-facts.ts";
import { namesByDigest } from "./names-by-digest.ts";
import { movedOutcome } from "./removal-outcomes.ts";
import type {
  RemovalOptions,
  RemovalOutcome,
  TagFacts,
  TagSource,
  TagTarget,
  WantedFacts,
} from "./tag-source.ts";

/** Requests at a time to one registry. */
const CONCURRENCY = 8;

/** The tags of the repositories of a registry, over its HTTP API. Nobody there says when a tag was pushed. */
export class HttpTags implements TagSource {
  readonly #client: RegistryClient;
  readonly #reader: RegistryReader;
  readonly #remover: TagRemover;

  constructor(client: RegistryClient) {
    this.#client = client;
    this.#reader = new RegistryReader(client);
    this.#remover = new TagRemover(client, this.#reader);
  }

  get location(): string {
    return this.#client.name;
  }

  async *repositories(signal?: AbortSignal): AsyncGenerator<string> {
    for (const name of await listRepositoryNames(this.#client, signal)) if (!isParked(name)) yield name;
  }

  async names(repository: string, signal?: AbortSignal): Promise<string[]> {
    return (await listTagNames(this.#client, repository, signal)) ?? [];
  }

  async tags(repository: string, signal?: AbortSignal): Promise<TagTarget[]> {
    const tags = (await this.names(repository, signal)).map(
      (name): TagTarget => ({ name, digest: undefined }),
    );
    await forEachConcurrently(tags, CONCURRENCY, async (tag) => {
      tag.digest = await this.#digestOf(repository, tag.name, signal);
    });
    return tags;
  }

  async facts(
    repository: string,
    wanted: readonly string[] | undefined,
    wants: WantedFacts,
    signal?: AbortSignal,
  ): Promise<TagFacts[]> {
    const tags = await this.tags(repository, signal);
    const tagsOf = namesByDigest(tags);
    const names = wanted === undefined ? undefined : new Set(wanted);
    const content = new HttpContent(this.#reader, repository, signal);
    const manifests = new ManifestReader(content, wants);
    const wantsManifests = wants.created || wants.size || wants.platforms;
    const facts: TagFacts[] = [];
    await forEachConcurrently(tags, CONCURRENCY, async ({ name, digest }) => {
      if (digest === undefined || names?.has(name) === false) return;
      const { mediaType, created, sizeBytes, platforms, isMissing } = wantsManifests
        ? await manifests.facts(digest)
        : UNREAD_FACTS;
      content.check();
      facts.push({
        ...{ name, digest, mediaType, pushedMs: undefined, created, sizeBytes, platforms },
        // Made when it is asked for: thousands of tags on one digest would each name all the others.
        get siblings() {
          return (tagsOf.get(digest) ?? []).filter((each) => each !== name);
        },
        isManifestMissing: isMissing,
      });
    });
    return facts.sort(byName);
  }

  manifests(repository: string, signal?: AbortSignal): HttpContent {
    return new HttpContent(this.#reader, repository, signal);
  }

  async checkRemoval(repository: string, signal?: AbortSignal): Promise<void> {
    await this.#remover.prepare(repository, signal);
  }

  async remove(
    repository: string,
    tags: readonly TagTarget[],
    { signal, onOutcome }: RemovalOptions,
  ): Promise<void> {
    if (tags.length === 0) return;
    await this.checkRemoval(repository, signal);
    await forEachConcurrently(tags, CONCURRENCY, async (tag) => {
      if (signal?.aborted) throw new CancelledError();
      onOutcome(await this.#removeOne(repository, tag, signal));
    });
  }

  /** What is between the look and the removal is one request: a tag that is set just then is removed. */
  async #removeOne(
    repository: string,
    { name, digest }: TagTarget,
    signal: AbortSignal | undefined,
  ): Promise<RemovalOutcome> {
    try {
      const now = await this.#digestOf(repository, name, signal);
      if (now !== digest && now !== undefined) return movedOutcome(name, now);
      if (now === undefined && digest !== undefined) return { name, kind: "gone" };
      return { name, kind: await this.#remover.remove(repository, name, signal) };
    } catch (error) {
      if (error instanceof CancelledError || error instanceof RegistryStateError) throw error;
      return { name, kind: "failed", reason: messageOf(error), isPassing: isPassing(error) };
    }
  }

  /** @returns undefined if there is no such tag, or not the manifest that it points to */
  async #digestOf(
    repository: string,
    tag: string,
    signal: AbortSignal | undefined,
  ): Promise<Digest | undefined> {
    const content = { repository, reference: tag, isManifest: true };
    const found = await this.#reader.lookFor(content, signal);
    if (found === undefined) return undefined;
    if (found.digest !== undefined && isDigest(found.digest)) return found.digest;
    const bytes = await this.#reader.read(content, MAX_HTTP_MANIFEST_BYTES, signal);
    if (bytes === undefined)
      throw new RegistryAnswerError(`${this.location} does not say what ${tag} points to`);
    return digestOf(bytes);
  }
}
