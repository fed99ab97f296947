import type { Digest } from "../../../src/oci/digest.ts";
import {
  blobDataPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
} from "../../../src/registry/paths.ts";
import type { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { MANIFESTS, type ManifestContent, manifestOf } from "./contents.ts";

const NEVER = Number.POSITIVE_INFINITY;

/** What happened to a tag, as its clients know it; times count the events of a run. */
export interface TagEvent {
  repository: string;
  tag: string;
  /** Undefined: it was deleted. */
  digest: Digest | undefined;
  startedAt: number;
  /** When a success was told; Infinity: nobody knows what became of it. */
  endedAt: number;
  /** The worker died of it: an object store may still carry out what that had asked for, after all that comes later. */
  mayComeLate?: boolean;
  /** The manifest that was deleted, which deletes the tag only if it points to that. */
  ifPointingTo?: Digest;
}

/** What clients have been told, and what must be true of the store because of it. */
export class Oracle {
  readonly #store: MemoryDriver;
  readonly #tags: TagEvent[] = [];
  /** `repository@digest` that a client wanted to be deleted: whoever still refers to it has himself to blame. */
  readonly #deleted = new Set<string>();
  readonly #referrers: (TagEvent & { digest: Digest })[] = [];
  #clock = 0;

  constructor(store: MemoryDriver) {
    this.#store = store;
  }

  /** @returns the number of this event */
  now(): number {
    return ++this.#clock;
  }

  noteTag(event: TagEvent): void {
    this.#tags.push(event);
  }

  /** A manifest was acknowledged under a tag: what refers to it stays, as long as nobody touches that tag. */
  noteReferrers(repository: string, tag: string, subject: Digest, startedAt: number): void {
    for (const { digest, subject: own } of MANIFESTS) {
      if (own?.digest !== subject || !this.#has(revisionLinkPath(repository, digest))) continue;
      this.#referrers.push({ repository, tag, startedAt, endedAt: this.#clock, digest });
    }
  }

  /** @returns what referred to a manifest when that was acknowledged, and is gone */
  lostReferrers(): string[] {
    return this.#referrers
      .filter(({ repository, digest }) => {
        return (
          !this.#deleted.has(`${repository}@${digest}`) && !this.#has(revisionLinkPath(repository, digest))
        );
      })
      .filter(({ repository, tag, endedAt }) => {
        const others = this.#tags.filter((each) => each.repository === repository && each.tag === tag);
        return others.every((each) => each.endedAt <= endedAt);
      })
      .map(({ repository, tag, digest }) => `${repository}:${tag} has lost its referrer ${digest}`);
  }

  noteDeleted(repository: string, digest: Digest): void {
    this.#deleted.add(`${repository}@${digest}`);
  }

  /** @returns what is wrong with the store now, as to manifests that it has: each must have all that it refers to */
  incomplete(repositories: readonly string[]): string[] {
    return repositories.flatMap((repository) =>
      MANIFESTS.filter(({ digest }) => this.#has(revisionLinkPath(repository, digest))).flatMap((manifest) =>
        this.missingOf(repository, manifest),
      ),
    );
  }

  /** @returns what a manifest of a repository misses, but for what was deleted on purpose */
  missingOf(repository: string, manifest: ManifestContent): string[] {
    const missing: string[] = [];
    const need = (path: string, digest: Digest): void => {
      if (this.#has(path) || this.#deleted.has(`${repository}@${digest}`)) return;
      missing.push(`${repository}: ${manifest.digest.slice(7, 15)} misses ${path}`);
    };
    need(blobDataPath(manifest.digest), manifest.digest);
    for (const { digest } of manifest.blobs) {
      need(layerLinkPath(repository, digest), digest);
      need(blobDataPath(digest), digest);
    }
    for (const { digest } of manifest.children) {
      need(revisionLinkPath(repository, digest), digest);
      need(blobDataPath(digest), digest);
    }
    return missing;
  }

  /** @returns what is wrong with tags when nothing is under way any more */
  wrongTags(): string[] {
    const wrong: string[] = [];
    const names = new Set(this.#tags.map(({ repository, tag }) => `${repository}:${tag}`));
    for (const name of names) {
      const events = this.#tags.filter(({ repository, tag }) => `${repository}:${tag}` === name);
      const [first] = events;
      if (first === undefined) continue;
      const { repository, tag } = first;
      const digest = this.#target(repository, tag);
      // What ended before another success began cannot be what is left.
      const lastStart = Math.max(
        0,
        ...events
          .filter(({ endedAt, ifPointingTo }) => endedAt < Number.POSITIVE_INFINITY && !ifPointingTo)
          .map((each) => each.startedAt),
      );
      const own = events.filter((each) => each.endedAt >= lastStart && !each.ifPointingTo);
      const withManifest = events.filter(({ ifPointingTo, endedAt }) =>
        own.some(
          (set) => set.digest !== undefined && set.digest === ifPointingTo && endedAt >= set.startedAt,
        ),
      );
      const possible = [...own, ...withManifest];
      if (!possible.some((each) => each.digest === digest)) {
        wrong.push(`${name} points to ${digest ?? "nothing"}, not to ${possible.map((each) => each.digest)}`);
      }
      const manifest = digest && manifestOf(digest);
      if (manifest === undefined) continue;
      if (this.#has(revisionLinkPath(repository, manifest.digest))) continue;
      if (!this.#cameLate(repository, tag, manifest.digest)) wrong.push(`${name}: its manifest is gone`);
    }
    return wrong;
  }

  /**
   * The one case that is not covered: a push of which nobody was told, as its worker died of it, has set the tag behind a
   * delete of the manifest, which was not pushed again after that.
   */
  #cameLate(repository: string, tag: string, digest: Digest): boolean {
    const here = this.#tags.filter((each) => each.repository === repository);
    const ofIt = here.filter((each) => each.digest === digest);
    const late = ofIt.filter((each) => each.mayComeLate && each.tag === tag);
    return here.some((removal) => {
      if (removal.ifPointingTo !== digest) return false;
      const isBehind = late.some(({ startedAt }) => removal.endedAt >= startedAt);
      return (
        isBehind && !ofIt.some(({ startedAt, endedAt }) => startedAt > removal.endedAt && endedAt < NEVER)
      );
    });
  }

  #target(repository: string, tag: string): Digest | undefined {
    const path = tagCurrentLinkPath(repository, tag);
    const bytes = this.#store.getSync(path);
    return bytes === undefined ? undefined : (Buffer.from(bytes).toString() as Digest);
  }

  #has(path: string): boolean {
    return this.#store.statFileSync(path) !== undefined;
  }
}
