import { formatBytes } from "../../lib/units.ts";
import type { NumberList } from "../../registry/graph/number-list.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { DeadManifest, RepositoryPlan } from "../../registry/plan/repository-plan.ts";

/** Lines that are written at once. */
const CHUNK_LINES = 1000;
const SIZE_WIDTH = "1023.9 MiB".length;
const NO_SIZE = " ".repeat(SIZE_WIDTH);
/** How a line begins that tells of a thing of each kind. */
const KINDS = {
  manifest: "  manifest     ",
  "tag history": "  tag history  ",
  "layer link": "  layer link   ",
  blob: "  blob         ",
} as const;
type Kind = keyof typeof KINDS;

/**
 * What a collection would remove, repository by repository, with size and reason; in pieces, as it may be long. A blob
 * stands below one repository that had it, or at the end if there is none.
 */
export function* renderPlan(plan: CollectionPlan): Generator<string> {
  let lines: string[] = [];
  for (const line of planLines(plan)) {
    lines.push(line);
    if (lines.length < CHUNK_LINES) continue;
    yield lines.join("");
    lines = [];
  }
  if (lines.length > 0) yield lines.join("");
}

function* planLines(plan: CollectionPlan): Generator<string> {
  const byOwner = plan.blobs.byOwner();
  const byName = new Map<string, NumberList>();
  for (const [owner, blobs] of byOwner) {
    const name = plan.ownerNames.get(owner);
    if (name !== undefined) byName.set(name, blobs);
  }
  for (const repository of plan.repositories) {
    const blobs = byName.get(repository.repository);
    byName.delete(repository.repository);
    yield* repositoryLines(plan, repository, blobs);
  }
  for (const [name, blobs] of byName) {
    yield heading(name, plan, blobs);
    yield* blobLines(plan, blobs, "no manifest needs it");
  }
  const orphans = byOwner.get(0);
  if (orphans) {
    yield heading("in no repository", plan, orphans);
    yield* blobLines(plan, orphans, "no repository has it");
  }
  for (const name of plan.emptyRepositories) yield `${name}: empty, leaves the catalog\n`;
}

function* repositoryLines(
  plan: CollectionPlan,
  { repository, manifests, history, layerLinks, isEmptied }: RepositoryPlan,
  blobs: NumberList | undefined,
): Generator<string> {
  const { table, references } = plan;
  yield heading(repository, plan, blobs);
  for (const manifest of manifests) {
    const sizeBytes = manifest.isAbsent ? undefined : references.describedSize(manifest.id);
    yield line("manifest", table.digestOf(manifest.id), sizeBytes, reasonFor(manifest));
  }
  for (const { tag, ids } of history) {
    for (const id of ids)
      yield line("tag history", table.digestOf(id), undefined, `of tag ${tag}: its manifest goes`);
  }
  for (const id of layerLinks) {
    yield line("layer link", table.digestOf(id), undefined, "no manifest of the repository needs it");
  }
  if (blobs) yield* blobLines(plan, blobs, "no manifest needs it");
  if (isEmptied) yield "  no manifest and no tag is left: leaves the catalog\n";
}

function* blobLines(plan: CollectionPlan, indexes: NumberList, reason: string): Generator<string> {
  for (const index of indexes) {
    yield line("blob", plan.table.digestOf(plan.blobs.id(index)), plan.blobs.sizeBytes(index), reason);
  }
}

function reasonFor({ isAbsent, lastTagged }: DeadManifest): string {
  if (isAbsent) return "untagged, and its bytes are missing";
  if (!lastTagged) return "untagged, and nothing tagged leads to it";
  const when = new Date(lastTagged.taggedMs).toISOString().slice(0, 10);
  return `untagged, last tagged as ${lastTagged.tag} on ${when}`;
}

function heading(name: string, plan: CollectionPlan, blobs: NumberList | undefined): string {
  let bytes = 0;
  for (const index of blobs ?? []) bytes += plan.blobs.sizeBytes(index);
  return `${name}: frees ${formatBytes(bytes)}\n`;
}

function line(kind: Kind, digest: string, sizeBytes: number | undefined, reason: string): string {
  const size = sizeBytes === undefined ? NO_SIZE : formatBytes(sizeBytes).padStart(SIZE_WIDTH);
  return `${KINDS[kind]}${digest}  ${size}  ${reason}\n`;
}
