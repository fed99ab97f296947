import type { DigestId } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";
import type { RepositoryPlan } from "../plan/repository-plan.ts";

/**
 * For whose sake manifests that go would have to stay. A referrer goes before its subject, and what an index lists is
 * pinned only by whoever knows the index: if somebody needs the one again before it goes, the other must stay with it.
 */
export class Guards {
  readonly #plans: ReadonlyMap<string, RepositoryPlan>;
  readonly #references: ManifestReferences;
  /** By repository: manifests that go, and which others that go need them. */
  readonly #needers = new Map<string, ReadonlyMap<DigestId, readonly DigestId[]>>();

  constructor(repositories: readonly RepositoryPlan[], references: ManifestReferences) {
    this.#plans = new Map(repositories.map((plan) => [plan.repository, plan]));
    this.#references = references;
  }

  /** @returns other manifests of the repository that go, or are missing, such that this one stays if one of them does */
  of(repository: string, id: DigestId): DigestId[] {
    const needers = this.#neededBy(repository);
    const found = new Set<DigestId>([id]);
    for (const next of found) for (const needer of needers.get(next) ?? []) found.add(needer);
    found.delete(id);
    return [...found];
  }

  #neededBy(repository: string): ReadonlyMap<DigestId, readonly DigestId[]> {
    const known = this.#needers.get(repository);
    if (known) return known;
    const references = this.#references;
    const manifests = this.#plans.get(repository)?.manifests ?? [];
    const needers = new Map<DigestId, DigestId[]>(manifests.map(({ id }) => [id, []]));
    for (const { id } of manifests) {
      for (const child of references.childManifests(id)) needers.get(child)?.push(id);
      for (const child of references.blobs(id)) needers.get(child)?.push(id);
      // The subject may be missing, and be pushed while the collection runs.
      const subject = references.subject(id);
      if (subject !== undefined) needers.get(id)?.push(subject);
    }
    this.#needers.set(repository, needers);
    return needers;
  }
}
