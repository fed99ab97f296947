import type { RegistryClient } from "../../client/registry/registry-client.ts";
import { RegistryAnswerError } from "../../client/registry/registry-errors.ts";
import { RegistryReader } from "../../client/registry/registry-reader.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import { isManifestType, type Manifest } from "../../oci/manifest.ts";
import { isForeignLayer } from "../../oci/media-types.ts";
import { type DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { encodeManifestRecord } from "../../registry/graph/manifest-record.ts";
import { ManifestReferences } from "../../registry/graph/manifest-references.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { parseStored } from "../../registry/threads/read-manifests.ts";
import { HttpContent } from "../tags/http-content.ts";
import { HttpTags } from "../tags/http-tags.ts";
import { DigestPool, HeldDigests } from "./held-digests.ts";
import { KEPT_BY_TAG } from "./read-repository.ts";
import { StoredBlobs } from "./stored-blobs.ts";
import type { UsageModel, UsageRepository } from "./usage-model.ts";

/** Requests at a time to one registry. */
const CONCURRENCY = 8;

/** What usage is read from. */
export interface HttpUsageOptions {
  client: RegistryClient;
  /** None: all that the registry lists. */
  repositories: readonly string[];
  signal: AbortSignal;
  onRepository: (name: string) => void;
}

/**
 * Reads what the tags of a registry need, over its HTTP API: manifests are fetched, each once, and sizes are what they say. What no tag needs is
 * not seen: untagged manifests, orphans, and repositories that the registry does not list.
 *
 * @throws {RegistryAnswerError} if it does not answer, or lists no repositories
 * @throws {CancelledError}
 */
export async function readUsageOverHttp(options: HttpUsageOptions): Promise<UsageModel> {
  const { client, repositories, signal, onRepository } = options;
  const tags = new HttpTags(client);
  const reader = new HttpUsageReader(client, signal);
  const names = repositories.length > 0 ? new Set(repositories) : tags.repositories(signal);
  for await (const name of names) {
    onRepository(name);
    try {
      await reader.add(name, await tags.tags(name, signal));
    } catch (error) {
      // What we may not look at leaves the others to be counted.
      if (!(error instanceof RegistryAnswerError) || error.isPassing) throw error;
      reader.problems.push(`${name}: ${error.message}`);
    }
  }
  return reader.model();
}

class HttpUsageReader {
  readonly problems: string[] = [];
  readonly #reader: RegistryReader;
  readonly #signal: AbortSignal;
  readonly #table = new DigestTable();
  readonly #references = new ManifestReferences(this.#table);
  readonly #blobs = new StoredBlobs(this.#table);
  readonly #kept = PagedArray.bytes();
  readonly #pool = new DigestPool();
  readonly #repositories: UsageRepository[] = [];
  /** What each manifest needs at once, itself not; of all repositories. */
  readonly #needs = new Map<DigestId, { blobs: DigestId[]; children: DigestId[] }>();

  constructor(client: RegistryClient, signal: AbortSignal) {
    this.#reader = new RegistryReader(client);
    this.#signal = signal;
  }

  model(): UsageModel {
    return {
      ...{ table: this.#table, references: this.#references, blobs: this.#blobs, kept: this.#kept },
      ...{ repositories: this.#repositories, standing: undefined, protectedIds: new Set(), isFreeable: true },
      problems: this.problems,
      notices: [
        "over HTTP only what tags need is seen: untagged manifests, orphans and the times of pushes are not; sizes are what manifests say",
      ],
    };
  }

  async add(name: string, tags: readonly { name: string; digest: Digest | undefined }[]): Promise<void> {
    const targets = tags.map(({ digest }) => (digest === undefined ? undefined : this.#table.intern(digest)));
    for (const { name: tag, digest } of tags)
      if (digest === undefined) this.problems.push(`${name}:${tag} points to a manifest that is not there`);
    const roots = new Set(targets.filter((id) => id !== undefined));
    const manifests = await this.#readAll(name, roots);
    const all = this.#closure(roots);
    this.#repositories.push({
      ...{ name, storedName: name, isParked: false, isInDoubt: false, held: this.#push(all) },
      tags: {
        names: tags.map((tag) => tag.name),
        targets,
        pushedMs: tags.map(() => undefined),
        needs: targets.map((id) => this.#push(this.#closure(id === undefined ? [] : [id]))),
        keptBesides: this.#push([]),
      },
      ...{ manifests, untaggedManifests: 0, lastPushMs: undefined },
    });
    for (const id of all) this.#kept.set(id, KEPT_BY_TAG);
  }

  /** @returns how many manifests the tags need */
  async #readAll(repository: string, roots: ReadonlySet<DigestId>): Promise<number> {
    const content = new HttpContent(this.#reader, repository, this.#signal);
    const seen = new Set<DigestId>();
    let wanted = new Set(roots);
    while (wanted.size > 0) {
      const next = new Set<DigestId>();
      for (const id of wanted) seen.add(id);
      await forEachConcurrently(wanted, CONCURRENCY, async (id) => {
        if (!this.#needs.has(id)) await this.#read(content, id, repository);
        for (const child of this.#needs.get(id)?.children ?? []) if (!seen.has(child)) next.add(child);
      });
      wanted = next;
    }
    return seen.size;
  }

  async #read(content: HttpContent, id: DigestId, repository: string): Promise<void> {
    const digest = this.#table.digestOf(id);
    try {
      const bytes = await content.manifest(digest);
      if (bytes === undefined) throw new Error("it is not there");
      const manifest = parseStored(bytes, digest);
      const record = encodeManifestRecord(manifest, bytes.length);
      // Another repository's request may have been faster.
      if (this.#references.state(id) === "unread") this.#references.addRecord(id, record, 0, record.length);
      this.#blobs.add(id, bytes.length, false);
      this.#needs.set(id, await this.#neededBy(content, manifest));
    } catch (error) {
      content.check();
      this.problems.push(`${repository}@${digest}: cannot be read: ${messageOf(error)}`);
    }
  }

  async #neededBy(
    content: HttpContent,
    { blobs, children }: Manifest,
  ): Promise<{ blobs: DigestId[]; children: DigestId[] }> {
    const needs = { blobs: [] as DigestId[], children: [] as DigestId[] };
    for (const { digest, size, mediaType } of blobs) {
      if (isForeignLayer(mediaType)) continue;
      const id = this.#table.intern(digest);
      needs.blobs.push(id);
      // Manifests of the oldest kind do not say.
      if (!this.#blobs.has(id))
        this.#blobs.add(id, size >= 0 ? size : ((await content.sizeBytes(digest)) ?? 0), false);
    }
    for (const { digest, size, mediaType } of children) {
      const id = this.#table.intern(digest);
      if (isManifestType(mediaType)) needs.children.push(id);
      else {
        needs.blobs.push(id);
        this.#blobs.add(id, size, false);
      }
    }
    return needs;
  }

  #closure(roots: Iterable<DigestId>): Set<DigestId> {
    const all = new Set(roots);
    // A set gives also what is added while it is gone through.
    for (const id of all) {
      const { blobs = [], children = [] } = this.#needs.get(id) ?? {};
      for (const needed of [...blobs, ...children]) all.add(needed);
    }
    return all;
  }

  #push(ids: Iterable<DigestId>): HeldDigests {
    const start = this.#pool.length;
    for (const id of ids) this.#pool.push(id);
    return new HeldDigests(this.#pool, start, this.#pool.length, this.#pool.length);
  }
}
