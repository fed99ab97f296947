import type { DigestId } from "../graph/digest-table.ts";
import type { ManifestReferences } from "../graph/manifest-references.ts";
import type { DeadManifest } from "./repository-plan.ts";

/**
 * Orders manifests that go so that an index goes before what it lists, and a referrer before its subject: if the
 * sweep is stopped half-way, what is left still has everything that it refers to.
 */
export function parentsFirst(
  manifests: readonly DeadManifest[],
  references: ManifestReferences,
): readonly DeadManifest[] {
  const byId = new Map<DigestId, DeadManifest>(manifests.map((manifest) => [manifest.id, manifest]));
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
      const subject = references.subject(next.id);
      for (const id of [...references.blobs(next.id), ...references.childManifests(next.id)]) {
        pending.push({ id, isSecondVisit: false });
      }
      if (subject !== undefined) pending.push({ id: subject, isSecondVisit: false });
    }
  }
  return childrenFirst.reverse();
}
