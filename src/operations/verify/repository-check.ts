import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import type { DigestId } from "../../registry/graph/digest-table.ts";
import type { RepositoryEntries } from "../../registry/scan/repository-entries.ts";
import { BrokenTags } from "./broken-tags.ts";
import { addBroken } from "./finding-log.ts";
import { REFERENCE } from "./manifest-contents.ts";
import type { ReadRepository } from "./read-ahead.ts";
import { RepositoryLinks } from "./repository-links.ts";
import { addRepositoryNotices } from "./repository-notices.ts";
import type { Finding } from "./verify-report.ts";
import type { VerifyState } from "./verify-state.ts";

/** What of the repository suffers from a finding. */
interface Hit {
  manifests: Set<DigestId>;
  tags: Set<string>;
}

/**
 * Checks that everything in one repository can be pulled as its links say: each tag and each manifest, with all that
 * it refers to in this repository. What is missing is looked for once more before it is told, so that a push that is
 * going on meanwhile is not taken for damage.
 */
export class RepositoryCheck {
  readonly #state: VerifyState;
  readonly #entries: RepositoryEntries;
  readonly #links: RepositoryLinks;
  /** Grows when more are found in the store than the scan has seen. */
  #revisions: DigestId[] = [];
  readonly #hits = new Map<Finding, Hit>();
  /** Findings of this repository by what they miss; undefined where there are too many findings. */
  readonly #missingLinks = new Map<DigestId, Finding | undefined>();
  readonly #missingChildren = new Map<DigestId, Finding | undefined>();

  constructor(state: VerifyState, { entries, texts }: ReadRepository) {
    this.#state = state;
    this.#entries = entries;
    this.#links = new RepositoryLinks(state, entries, texts);
    state.sets.referenced.clear();
  }

  /** Adds what is wrong to the findings. */
  async run(): Promise<void> {
    const { blobs, checked, manifests, concurrency, giveWay } = this.#state;
    await this.#links.read();
    // Without those that somebody has deleted since the scan.
    this.#revisions = [...this.#state.sets.revisions.members()];
    for (const finding of this.#links.otherFindings) this.#hit(finding, undefined);
    await this.#checkTags();
    checked.repositories++;
    checked.manifests += this.#revisions.length;
    await blobs.ask(this.#revisions);
    await forEachConcurrently(this.#revisions, concurrency, async (id) => {
      await giveWay();
      await manifests.load(id);
    });
    await this.#askForBlobs(this.#revisions);
    for (const id of this.#revisions) await this.#checkManifest(id);
    await addRepositoryNotices(this.#state, this.#entries, this.#links, (finding) =>
      this.#hit(finding, undefined),
    );
    this.#addBroken();
  }

  async #checkTags(): Promise<void> {
    const { findings, table, blobs, sets } = this.#state;
    const { name } = this.#entries;
    for (const [tag, finding] of this.#links.brokenTags) this.#hit(finding, undefined, tag);
    for (const [tag, id] of this.#links.tagTargets) {
      if (sets.revisions.has(id)) continue;
      if (await this.#links.hasRevision(id)) {
        this.#revisions.push(id);
        continue;
      }
      const digest = table.digestOf(id);
      const isStored = typeof (await blobs.size(id)) === "number";
      const missing = isStored ? "the repository's link to it" : "it";
      this.#state.onDamage({ kind: "missing-revision-link", repository: name, digest, isStored });
      const message = `tag ${name}:${tag} points to manifest ${digest}, and ${missing} is missing`;
      this.#hit(findings.add("tag-without-manifest", { message, digest }), undefined, tag);
    }
  }

  /** Asks for the sizes, and checksums, of everything that manifests refer to. */
  async #askForBlobs(revisions: readonly DigestId[]): Promise<void> {
    const { manifests, blobs, checksums, sets } = this.#state;
    const { aliases } = this.#links;
    const asked: DigestId[] = [];
    for (const manifest of revisions) {
      manifests.forEachReference(manifest, (id, kind) => {
        if (kind !== REFERENCE.subject && sets.referenced.add(id)) asked.push(id);
      });
    }
    for (const stored of aliases.values()) sets.referenced.add(stored);
    await blobs.ask(asked.map((id) => aliases.get(id) ?? id));
    if (!checksums) return;
    await checksums.check(revisions);
    await checksums.check(asked, (id) => aliases.get(id) ?? id);
  }

  async #checkManifest(manifest: DigestId): Promise<void> {
    const { blobs, findings, manifests, table, giveWay } = this.#state;
    await giveWay();
    blobs.need(manifest);
    const broken = this.#links.brokenRevisions;
    if (broken.has(manifest)) this.#hit(broken.get(manifest), manifest);
    if (!manifests.isRead(manifest)) {
      this.#state.onDamage({
        kind: "manifest",
        repository: this.#entries.name,
        digest: table.digestOf(manifest),
        isStored: blobs.known(manifest) !== "missing",
      });
      if (blobs.known(manifest) === "missing") {
        const message = () => `manifest ${table.digestOf(manifest)} is not stored`;
        this.#hit(findings.addForDigest("missing-manifest", manifest, message), manifest);
      } else {
        for (const finding of findings.of(manifest)) this.#hit(finding, manifest);
      }
      return;
    }
    const late: { id: DigestId; kind: number; size: number }[] = [];
    manifests.forEachReference(manifest, (id, kind, size) => {
      if (!this.#checkReference(manifest, id, kind, size)) late.push({ id, kind, size });
    });
    for (const { id, kind, size } of late) await this.#checkUnlinked(manifest, id, kind, size);
  }

  /** @returns false if there is no link to what is referred to, as far as the scan has seen */
  #checkReference(manifest: DigestId, id: DigestId, kind: number, size: number): boolean {
    const { revisions, layers } = this.#state.sets;
    if (kind === REFERENCE.subject) return true;
    if (kind === REFERENCE.child || (kind === REFERENCE.entry && revisions.has(id))) {
      if (!revisions.has(id)) return false;
      this.#checkSize(manifest, id, id, size);
      return true;
    }
    if (!layers.has(id)) return kind === REFERENCE.foreign;
    const { brokenLayers } = this.#links;
    if (brokenLayers.has(id)) this.#hit(brokenLayers.get(id), manifest);
    const stored = this.#links.aliases.get(id) ?? id;
    this.#state.blobs.need(stored);
    if (this.#state.blobs.known(stored) !== "missing") this.#checkSize(manifest, id, stored, size);
    else if (kind !== REFERENCE.foreign) this.#missBlob(manifest, id, { stored, size });
    return true;
  }

  /** Looks in the store for a link that the scan has not seen, and tells if it is not there either. */
  async #checkUnlinked(manifest: DigestId, id: DigestId, kind: number, size: number): Promise<void> {
    const { findings, manifests, table, blobs } = this.#state;
    const { name } = this.#entries;
    if (kind !== REFERENCE.child && (await this.#links.hasLayer(id))) {
      await blobs.size(this.#links.aliases.get(id) ?? id);
      this.#checkReference(manifest, id, kind, size);
    } else if (kind !== REFERENCE.blob && (await this.#links.hasRevision(id))) {
      await manifests.load(id);
      this.#revisions.push(id);
      await this.#askForBlobs([id]);
      this.#checkReference(manifest, id, kind, size);
    } else {
      const digest = table.digestOf(id);
      const isChild = kind === REFERENCE.child;
      const isStored = typeof (await blobs.size(id)) === "number";
      this.#state.onDamage(
        isChild
          ? { kind: "missing-revision-link", repository: name, digest, isStored }
          : { kind: "missing-layer-link", repository: name, digest, sizeBytes: known(size), isStored },
      );
      const missing = isChild ? this.#missingChildren : this.#missingLinks;
      if (!missing.has(id)) {
        const what = isChild ? `manifest ${digest}, which an index lists,` : `blob ${digest}`;
        const message = isStored
          ? `repository ${name} has no link to ${what} although it is stored`
          : `repository ${name} does not have ${what} and it is not stored`;
        missing.set(id, findings.add(isChild ? "missing-child" : "missing-layer-link", { message, digest }));
      }
      this.#hit(missing.get(id), manifest);
      if (isChild) return;
      blobs.need(id);
      if (blobs.known(id) === "missing") this.#missBlob(manifest, id, { stored: id, size });
    }
  }

  #missBlob(manifest: DigestId, id: DigestId, { stored, size }: { stored: DigestId; size: number }): void {
    this.#state.onDamage({
      kind: "missing-blob",
      repository: this.#entries.name,
      digest: this.#state.table.digestOf(stored),
      sizeBytes: known(size),
    });
    const message = () => `blob ${this.#state.table.digestOf(id)} is not stored`;
    this.#hit(this.#state.findings.addForDigest("missing-blob", id, message), manifest);
  }

  #checkSize(manifest: DigestId, id: DigestId, stored: DigestId, size: number): void {
    const { blobs, checksums, findings, table } = this.#state;
    const found = blobs.known(stored);
    const isOdd = typeof found === "number" && size >= 0 && size !== found;
    if (isOdd || checksums?.isWrong(id)) {
      this.#state.onDamage({
        kind: "blob",
        repository: this.#entries.name,
        digest: table.digestOf(stored),
        sizeBytes: known(size),
      });
    }
    if (isOdd) {
      const message = () =>
        `blob ${table.digestOf(id)} has ${found} bytes, and manifest ${table.digestOf(manifest)} says ${size}`;
      this.#hit(findings.addForDigest("wrong-size", id, message), manifest);
    }
    if (checksums?.isWrong(id))
      this.#hit(
        findings.addForDigest("wrong-digest", id, () => ""),
        manifest,
      );
  }

  #hit(finding: Finding | undefined, manifest: DigestId | undefined, tag?: string): void {
    if (!finding) return;
    const hit = this.#hits.get(finding) ?? { manifests: new Set(), tags: new Set() };
    this.#hits.set(finding, hit);
    if (manifest !== undefined) hit.manifests.add(manifest);
    if (tag !== undefined) hit.tags.add(tag);
  }

  /** Tells of each finding which tags suffer. */
  #addBroken(): void {
    if (this.#hits.size === 0) return;
    const { manifests } = this.#state;
    const brokenTags = new BrokenTags(manifests, this.#revisions, this.#links.tagTargets);
    for (const [finding, hit] of this.#hits) {
      const tags = brokenTags.leadingTo(hit.manifests);
      for (const tag of hit.tags) tags.add(tag);
      addBroken(finding, this.#entries.name, tags);
    }
  }
}

/** @returns undefined where a manifest does not say how large something is */
function known(size: number): number | undefined {
  return size < 0 ? undefined : size;
}
