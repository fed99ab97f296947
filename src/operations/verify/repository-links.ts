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
import { hasSmallReads } from "../../storage/abilities.ts";
import { FileTooLargeError } from "../../storage/errors.ts";
import { type LinkTexts, MAX_LINK_BYTES, readLinkText, textOf } from "./link-texts.ts";
import type { Finding } from "./verify-report.ts";
import type { VerifyState } from "./verify-state.ts";

/** What a link says; undefined if there is no such file, null if it cannot be read. */
type LinkText = string | undefined | null;
/** What stands for the text of a file that is no link by its size. */
export const TOO_LONG = "too long";

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

  readonly #texts: LinkTexts;

  /** @param texts - what was read ahead of its links; each is used once */
  constructor(state: VerifyState, entries: RepositoryEntries, texts: LinkTexts = new Map()) {
    this.#state = state;
    this.#entries = entries;
    this.#texts = texts;
    state.sets.revisions.clear();
    state.sets.layers.clear();
  }

  /** Reads all links that the scan has found. */
  async read(): Promise<void> {
    const { checked, table } = this.#state;
    const { name, tags, revisions, layers } = this.#entries;
    const named = [...tags].filter(([, { currentModifiedMs }]) => currentModifiedMs !== undefined);
    checked.tags += named.length;
    await this.#readEach(
      named,
      ([tag]) => tagCurrentLinkPath(name, tag),
      ([tag], path, text) => this.#takeTag(tag, path, text),
    );
    for (const [tag, { history }] of tags) {
      await this.#readEach(
        history.ids(),
        (id) => tagHistoryLinkPath(name, tag, table.digestOf(id)),
        (id, path, text) => this.#takeHistory(id, path, text),
      );
    }
    await this.#readEach(
      revisions.ids(),
      (id) => revisionLinkPath(name, table.digestOf(id)),
      (id, path, text) => this.#takeRevision(id, path, text),
    );
    checked.layerLinks += layers.length;
    await this.#readEach(
      layers.ids(),
      (id) => layerLinkPath(name, table.digestOf(id)),
      (id, path, text) => this.#takeLayer(id, path, text),
    );
  }

  /** Tells whether there is a revision link; asks the store for one that the scan has not seen. */
  async hasRevision(id: DigestId): Promise<boolean> {
    const { sets, table } = this.#state;
    if (sets.revisions.has(id)) return true;
    const path = revisionLinkPath(this.#entries.name, table.digestOf(id));
    this.#takeRevision(id, path, await this.#text(path));
    return sets.revisions.has(id);
  }

  /** Tells whether there is a layer link; asks the store for one that the scan has not seen. */
  async hasLayer(id: DigestId): Promise<boolean> {
    const { sets, table } = this.#state;
    if (sets.layers.has(id)) return true;
    const path = layerLinkPath(this.#entries.name, table.digestOf(id));
    this.#takeLayer(id, path, await this.#text(path));
    return sets.layers.has(id);
  }

  /** Reads files one after the other where they can be read synchronously, which is several times as fast. */
  async #readEach<T>(
    items: Iterable<T>,
    pathOf: (item: T) => string,
    take: (item: T, path: string, text: LinkText) => void,
  ): Promise<void> {
    const { driver, concurrency, giveWay } = this.#state;
    if (!hasSmallReads(driver)) {
      await forEachConcurrently(items, concurrency, async (item) => {
        await giveWay();
        const path = pathOf(item);
        take(item, path, await this.#text(path));
      });
      return;
    }
    for (const item of items) {
      const turn = giveWay();
      if (turn !== undefined) await turn;
      const path = pathOf(item);
      try {
        take(item, path, textOf(driver.getSync(path, MAX_LINK_BYTES)));
      } catch (error) {
        take(item, path, this.#unreadText(path, error));
      }
    }
  }

  #takeTag(tag: string, path: string, text: LinkText): void {
    if (text === undefined || text === null) return;
    if (!isDigest(text)) this.brokenTags.set(tag, this.#addBad(path, text, undefined));
    const target = text.trim();
    if (isDigest(target)) this.tagTargets.set(tag, this.#state.table.intern(target));
  }

  #takeHistory(id: DigestId, path: string, text: LinkText): void {
    if (text === undefined || text === null) return;
    const digest = this.#state.table.digestOf(id);
    const finding = text === digest ? undefined : this.#addBad(path, text, digest);
    if (finding) this.otherFindings.push(finding);
  }

  #takeRevision(id: DigestId, path: string, text: LinkText): void {
    if (text === undefined) return;
    const { sets, table } = this.#state;
    sets.revisions.add(id);
    if (text === null) return;
    const digest = table.digestOf(id);
    if (text !== digest) this.brokenRevisions.set(id, this.#addBad(path, text, digest));
  }

  #takeLayer(id: DigestId, path: string, text: LinkText): void {
    if (text === undefined) return;
    const { sets, table } = this.#state;
    sets.layers.add(id);
    if (text === null) return;
    const digest = table.digestOf(id);
    if (text === digest) return;
    const isAlias =
      digestAlgorithm(digest) !== "sha256" && isDigest(text) && digestAlgorithm(text) === "sha256";
    if (isAlias) this.aliases.set(id, table.intern(text));
    else this.brokenLayers.set(id, this.#addBad(path, text, digest));
  }

  async #text(path: string): Promise<LinkText> {
    const read = this.#texts.get(path) ?? (await readLinkText(this.#state.driver, path));
    this.#texts.delete(path);
    return "error" in read ? this.#unreadText(path, read.error) : read.text;
  }

  #unreadText(path: string, error: unknown): LinkText {
    if (error instanceof FileTooLargeError) return TOO_LONG;
    this.#state.unchecked.add(path, error);
    return null;
  }

  #addBad(path: string, text: string, expected: Digest | undefined): Finding | undefined {
    this.#state.onDamage({ kind: "link", repository: this.#entries.name, path, text });
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
  if (text === TOO_LONG) return `has more than ${MAX_LINK_BYTES} bytes`;
  if (isDigest(text.trim())) return "has white space around its digest, which the Go registry does not take";
  return `holds ${JSON.stringify(text.slice(0, 100))} instead of a digest`;
}
