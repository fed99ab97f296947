import { formatBytes } from "../../lib/units.ts";
import type { NumberList } from "../../registry/graph/number-list.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import type { DeadManifest, RepositoryPlan } from "../../registry/plan/repository-plan.ts";

/** A piece is given when it has so many characters. */
const PIECE_LENGTH = 64 * 1024;
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
  const byOwner = plan.blobs.byOwner();
  const byName = new Map<string, NumberList>();
  for (const [owner, blobs] of byOwner) {
    const name = plan.ownerNames.get(owner);
    if (name !== undefined) byName.set(name, blobs);
  }
  for (const repository of plan.repositories) {
    const blobs = byName.get(repository.repository);
    byName.delete(repository.repository);
    yield heading(repository.repository, plan, blobs);
    yield* linkLines(plan, repository);
    if (blobs) yield* blobLines(plan, blobs, "no manifest needs it");
    if (repository.isEmptied) yield "  no manifest and no tag is left: leaves the catalog\n";
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

/** Many lines at a time: a step of a generator costs more than a line. */
function* linkLines(
  { table, references }: CollectionPlan,
  { manifests, history, layerLinks }: RepositoryPlan,
): Generator<string> {
  let text = "";
  for (const manifest of manifests) {
    const sizeBytes = manifest.isAbsent ? undefined : references.describedSize(manifest.id);
    text += line("manifest", table.digestOf(manifest.id), sizeBytes, reasonFor(manifest));
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = "";
  }
  for (const { tag, ids } of history) {
    for (const id of ids) {
      text += line("tag history", table.digestOf(id), undefined, `of tag ${tag}: its manifest goes`);
    }
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = "";
  }
  for (const id of layerLinks) {
    text += line("layer link", table.digestOf(id), undefined, "no manifest of the repository needs it");
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
}

function* blobLines(
  { table, blobs }: CollectionPlan,
  indexes: NumberList,
  reason: string,
): Generator<string> {
  let text = "";
  for (let at = 0; at < indexes.length; at++) {
    const index = indexes.at(at);
    text += line("blob", table.digestOf(blobs.id(index)), blobs.sizeBytes(index), reason);
    if (text.length < PIECE_LENGTH) continue;
    yield text;
    text = "";
  }
  if (text !== "") yield text;
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
