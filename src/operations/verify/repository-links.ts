import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { type Digest, digestAlgorithm, isDigest } from "../../oci/digest.ts";
import type { DigestId } from "../../registry/graph/digest-table.ts";
import {
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../../registry/paths.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import type { Finding } from "./verify-report.ts";
import type { VerifyState } from "./verify-state.ts";

/** Reads every link of one repository. What is wrong with a link becomes a finding. */
export class RepositoryLinks {
  readonly #state: VerifyState;
  readonly #entries: RepositoryEntries;
  /** What each tag points to whose link names a digest. */
  readonly tagTargets = new Map<string, DigestId>();
  /** Findings about the link of a tag. */
  readonly brokenTags = new Map<string, Finding | undefined>();
  /** Links that are there and do not lead where they should; undefined where there are too many findings. */
  readonly brokenRevisions = new Map<DigestId, Finding | undefined>();
  readonly brokenLayers = new Map<DigestId, Finding | undefined>();
  /** Findings that concern no manifest and no tag that is still used. */
  readonly otherFindings: Finding[] = [];
  /**
   * For a layer link whose bytes are stored under another digest, that one. The Go registry stores what was pushed
   * under a sha512 by its sha256.
   */
  readonly aliases = new Map<DigestId, DigestId>();

  constructor(state: VerifyState, entries: RepositoryEntries) {
    this.#state = state;
    this.#entries = entries;
    state.sets.revisions.clear();
    state.sets.layers.clear();
  }

  /** Reads all links that the scan has found. */
  async read(): Promise<void> {
    const { concurrency, giveWay, checked } = this.#state;
    const { tags, revisions, layers } = this.#entries;
    await forEachConcurrently(tags, concurrency, async ([tag, { currentModifiedMs, history }]) => {
      if (currentModifiedMs !== undefined) {
        checked.tags++;
        await this.#readTag(tag);
      }
      for (const id of history.ids()) await this.#readHistory(tag, id);
      await giveWay();
    });
    await forEachConcurrently(revisions.ids(), concurrency, async (id) => {
      await giveWay();
      await this.hasRevision(id);
    });
    await forEachConcurrently(layers.ids(), concurrency, async (id) => {
      await giveWay();
      checked.layerLinks++;
      await this.hasLayer(id);
    });
  }

  /** Tells whether there is a revision link; asks the store for one that the scan has not seen. */
  async hasRevision(id: DigestId): Promise<boolean> {
    const { sets, table } = this.#state;
    if (sets.revisions.has(id)) return true;
    const digest = table.digestOf(id);
    const path = revisionLinkPath(this.#entries.name, digest);
    const text = await this.#text(path);
    if (text === undefined) return false;
    sets.revisions.add(id);
    if (text !== null && text !== digest) this.brokenRevisions.set(id, this.#addBad(path, text, digest));
    return true;
  }

  /** Tells whether there is a layer link; asks the store for one that the scan has not seen. */
  async hasLayer(id: DigestId): Promise<boolean> {
    const { sets, table } = this.#state;
    if (sets.layers.has(id)) return true;
    const digest = table.digestOf(id);
    const path = layerLinkPath(this.#entries.name, digest);
    const text = await this.#text(path);
    if (text === undefined) return false;
    sets.layers.add(id);
    if (text === null || text === digest) return true;
    const isAlias = digestAlgorithm(digest) !== "sha256" && isDigest(text);
    if (isAlias) this.aliases.set(id, table.intern(text));
    else this.brokenLayers.set(id, this.#addBad(path, text, digest));
    return true;
  }

  async #readTag(tag: string): Promise<void> {
    const path = tagCurrentLinkPath(this.#entries.name, tag);
    const text = await this.#text(path);
    if (text === undefined || text === null) return;
    if (!isDigest(text)) this.brokenTags.set(tag, this.#addBad(path, text, undefined));
    const target = text.trim();
    if (isDigest(target)) this.tagTargets.set(tag, this.#state.table.intern(target));
  }

  async #readHistory(tag: string, id: DigestId): Promise<void> {
    await this.#state.giveWay();
    const digest = this.#state.table.digestOf(id);
    const path = tagHistoryLinkPath(this.#entries.name, tag, digest);
    const text = await this.#text(path);
    if (text === undefined || text === null || text === digest) return;
    const finding = this.#addBad(path, text, digest);
    if (finding) this.otherFindings.push(finding);
  }

  /** @returns undefined if there is no such file, null if it cannot be read */
  async #text(path: string): Promise<string | undefined | null> {
    try {
      const bytes = await readSmallFile(this.#state.driver, path);
      if (bytes === undefined) return undefined;
      return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
    } catch (error) {
      this.#state.unchecked.add(path, error);
      return null;
    }
  }

  #addBad(path: string, text: string, expected: Digest | undefined): Finding | undefined {
    if (isDigest(text)) {
      const message = `link ${path} says ${text}, and its path ${expected}`;
      return this.#state.findings.add("wrong-link", { message, path });
    }
    return this.#state.findings.add("broken-link", { message: `link ${path} ${describeText(text)}`, path });
  }
}

/** What is wrong with a text that should be a digest. */
function describeText(text: string): string {
  if (text === "") return "is empty";
  if (isDigest(text.trim())) return "has white space around its digest, which the Go registry does not take";
  return `holds ${JSON.stringify(text.slice(0, 100))} instead of a digest`;
}
