import type { DigestId } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";
import type { DeadManifest } from "./repository-plan.ts";

/**
 * Orders manifests that go so that an index goes before what it lists, and a referrer before its subject: if the
 * sweep is stopped half-way, what is left still has everything that it refers to. No two of one level refer to each
 * other.
 */
export function parentsFirst(
  manifests: readonly Omit<DeadManifest, "level">[],
  references: ManifestReferences,
): readonly DeadManifest[] {
  const byId = new Map(manifests.map((manifest) => [manifest.id, { ...manifest, level: 0 }]));
  const visited = new Set<DigestId>();
  const childrenFirst: DeadManifest[] = [];
  for (const { id: start } of manifests) {
    // Without recursion: chains of referrers can be long. The second visit of an entry comes after its references.
    const pending: { id: DigestId; isSecondVisit: boolean }[] = [{ id: start, isSecondVisit: false }];
    for (let next = pending.pop(); next; next = pending.pop()) {
      const manifest = byId.get(next.id);
      if (!manifest) continue;
      if (next.isSecondVisit) {
        childrenFirst.push(manifest);
        continue;
      }
      if (visited.has(next.id)) continue;
      visited.add(next.id);
      pending.push({ id: next.id, isSecondVisit: true });
      for (const id of referencesOf(next.id, references)) pending.push({ id, isSecondVisit: false });
    }
  }
  const ordered = childrenFirst.reverse();
  for (const { id, level } of ordered) {
    for (const reference of referencesOf(id, references)) {
      const child = byId.get(reference);
      if (child) child.level = Math.max(child.level, level + 1);
    }
  }
  return ordered;
}

function* referencesOf(id: DigestId, references: ManifestReferences): Generator<DigestId> {
  yield* references.blobs(id);
  yield* references.childManifests(id);
  const subject = references.subject(id);
  if (subject !== undefined) yield subject;
}
