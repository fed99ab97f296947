import type { DigestSet } from "../graph/digest-set.ts";
import type { DigestId, DigestTable } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";
import type { RepositoryGraph } from "../graph/repository-graph.ts";

/** What {@link RepositoryMarker} works on: the graph, and sets whose memory is used again for each repository. */
export interface MarkInput {
  graph: RepositoryGraph;
  references: ManifestReferences;
  table: DigestTable;
  /** Emptied and filled: what the repository needs. */
  needed: DigestSet;
  /** Emptied and filled: the repository's revisions. */
  revisions: DigestSet;
  /** Stay, whether anything needs them or not; undefined: none. */
  protectedIds?: ReadonlySet<DigestId> | undefined;
}

/**
 * Finds what one repository needs, starting from its roots: everything that a needed manifest refers to at any depth,
 * and every manifest whose subject is needed, with what that one refers to in turn.
 */
export class RepositoryMarker {
  readonly #input: MarkInput;
  readonly #revisionIds: readonly DigestId[];
  readonly #referrers = new Map<DigestId, DigestId[]>();
  readonly #pending: DigestId[] = [];
  readonly #doubts = new Set<string>();

  constructor(input: MarkInput) {
    this.#input = input;
    input.needed.clear();
    input.revisions.clear();
    this.#revisionIds = [...input.graph.entries.revisions.ids()];
    for (const id of this.#revisionIds) {
      input.revisions.add(id);
      const subject = input.references.subject(id);
      if (subject === undefined) continue;
      const others = this.#referrers.get(subject);
      if (others) others.push(id);
      else this.#referrers.set(subject, [id]);
    }
  }

  /** Why nothing of this repository may go; empty if nothing is in doubt so far. */
  get doubts(): ReadonlySet<string> {
    return this.#doubts;
  }

  isNeeded(id: DigestId): boolean {
    return this.#input.needed.has(id);
  }

  /** Marks everything that a tag points to; with `all`, every revision. */
  markRoots(all: boolean): void {
    for (const id of this.#input.graph.tagTargets.values()) this.markManifest(id);
    if (all) for (const id of this.#revisionIds) this.markManifest(id);
    // A manifest that cannot be read may need any other; so may one behind a link that we do not understand.
    for (const id of this.#revisionIds) {
      if (this.#input.references.state(id) === "unreadable") this.markManifest(id);
    }
    if (this.#input.graph.entries.hasUnknownRevisions) {
      this.#doubts.add("it has revision links that are not understood");
    }
    for (const [id, reason] of this.#input.graph.brokenLayers) {
      this.#doubts.add(`layer link ${this.#input.table.digestOf(id)} is unreadable: ${reason}`);
    }
  }

  /** Marks a manifest that must be there, with its closure. */
  markManifest(id: DigestId): void {
    if (this.#input.references.state(id) === "absent") this.#doubt(id, "is missing");
    this.#markChild(id);
    this.#drain();
  }

  /** Marks those that the repository has: manifests with their closure, and blobs alone. */
  markProtected(ids: ReadonlySet<DigestId>): void {
    if (ids.size === 0) return;
    for (const id of this.#revisionIds) if (ids.has(id)) this.markManifest(id);
    for (const id of this.#input.graph.entries.layers.ids()) if (ids.has(id)) this.markBlob(id);
  }

  /** Marks a blob without looking into it. */
  markBlob(id: DigestId): void {
    this.#need(id);
  }

  /** Marks all revisions, also those whose links are not understood, layer links and tags of the repository. */
  markEverything(): void {
    const { graph } = this.#input;
    for (const id of this.#revisionIds) this.#markChild(id);
    for (const id of graph.entries.hiddenRevisions) this.#markChild(id);
    this.#drain();
    for (const id of graph.entries.layers.ids()) this.markBlob(id);
  }

  #drain(): void {
    const { references } = this.#input;
    for (let id = this.#pending.pop(); id !== undefined; id = this.#pending.pop()) {
      if (references.state(id) === "unreadable") this.#doubt(id, `is unreadable: ${references.problem(id)}`);
      if (references.state(id) === "absent" && this.#input.revisions.has(id)) this.#doubt(id, "is missing");
      for (const blob of references.blobs(id)) this.#markReference(blob);
      for (const child of references.childManifests(id)) this.#markChild(child);
    }
  }

  /** What is said to be no manifest is looked into only if this repository has it as one. */
  #markReference(id: DigestId): void {
    if (this.#input.revisions.has(id)) this.#markChild(id);
    else if (this.#need(id)) this.#markReferrers(id);
  }

  #markChild(id: DigestId): void {
    if (!this.#need(id)) return;
    this.#pending.push(id);
    this.#markReferrers(id);
  }

  /** @returns false if it was needed already */
  #need(id: DigestId): boolean {
    if (!this.#input.needed.add(id)) return false;
    const target = this.#input.graph.layerTargets.get(id);
    if (target !== undefined) this.#markReference(target);
    return true;
  }

  #markReferrers(id: DigestId): void {
    for (const referrer of this.#referrers.get(id) ?? []) this.#markChild(referrer);
  }

  #doubt(id: DigestId, problem: string): void {
    this.#doubts.add(`manifest ${this.#input.table.digestOf(id)} ${problem}`);
  }
}
