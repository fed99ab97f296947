import { byName } from "../../lib/compare-text.ts";
import type { Digest } from "../../oci/digest.ts";
import { chooseTags, needsDates, type TagRules } from "./choose-tags.ts";
import type { KeptTag, PlannedTag, TagDeletionReport } from "./delete-report.ts";
import { missingWarnings, type ProtectedImages } from "./protected.ts";
import { protectTags } from "./protected-tags.ts";
import type { NamedTags } from "./read-names.ts";
import type { TagFacts, TagSource, TagTarget, WantedFacts } from "./tag-source.ts";

/** So many of the tags that stay on a digest are told by name. */
export const SIBLINGS_TOLD = 3;

/** Which tags are to go: those that are named, or those that rules choose. */
export type TagSelection = { names: NamedTags } | { rules: TagRules };

/** What {@link planDeletion} is told. */
export interface DeletionWish {
  repository: string;
  selection: TagSelection;
  protectedImages: ProtectedImages | undefined;
  dryRun: boolean;
  signal?: AbortSignal | undefined;
}

/** What is to be done. */
export interface DeletionPlan {
  /** As it is before anything is deleted. */
  report: TagDeletionReport;
  /** What is to be removed. */
  targets: TagTarget[];
  /** The manifests that lose their last tag by that. */
  untagged: Set<Digest>;
}

/** Finds out which tags of a repository go. Reads no more of them than the selection and what is protected need. */
export async function planDeletion(
  source: TagSource,
  { repository, selection, protectedImages, dryRun, signal }: DeletionWish,
): Promise<DeletionPlan> {
  const names = await source.names(repository, signal);
  protectedImages?.noteTags(repository, names);
  const { candidates, unknown } = candidatesOf(names, selection);
  const facts =
    candidates.length === 0 ? [] : await source.facts(repository, candidates, wantedBy(selection), signal);
  const chosen = chooseAmong(facts, candidates, selection);
  const targets: TagTarget[] = [];
  const protections = await protectTags(source, repository, chosen.going, {
    images: protectedImages,
    signal,
  });
  for (const tag of chosen.going) {
    const { name } = tag;
    const protection = protections.get(name);
    if (protection === undefined) targets.push(tag);
    else (protection.isDoubt ? chosen.doubtful : chosen.kept).push({ name, reason: protection.reason });
  }
  const staying = stayingTags(facts, new Set(targets.map(({ name }) => name)));
  const untagged = untaggedBy(targets, staying);
  const isNamed = "names" in selection;
  return {
    ...{ targets, untagged },
    report: {
      ...{ schemaVersion: 1, command: "tags delete", dryRun, location: source.location, repository },
      tags: names.length,
      planned: targets.map((tag) => plannedTag(tag, staying)),
      deleted: 0,
      untaggedManifests: untagged.size,
      ...{ kept: chosen.kept.sort(byName), doubtful: chosen.doubtful.sort(byName), unknown },
      duplicates: isNamed ? selection.names.duplicates : [],
      invalid: isNamed ? selection.names.invalid : [],
      ...{ moved: [], gone: [], failed: [], seconds: 0 },
      warnings: missingWarnings(protectedImages?.missingIn(repository) ?? [], repository),
    },
  };
}

function candidatesOf(
  names: readonly string[],
  selection: TagSelection,
): { candidates: string[]; unknown: string[] } {
  if ("rules" in selection) {
    const { match } = selection.rules;
    return { candidates: names.filter((name) => match.test(name)), unknown: [] };
  }
  const there = new Set(names);
  const wanted = selection.names.names;
  return {
    candidates: wanted.filter((name) => there.has(name)).sort(),
    unknown: wanted.filter((name) => !there.has(name)),
  };
}

function wantedBy(selection: TagSelection): WantedFacts {
  const wants = { created: false, size: false, platforms: false, pushed: false };
  if ("names" in selection || !needsDates(selection.rules)) return wants;
  return { ...wants, [selection.rules.ageBy]: true };
}

function chooseAmong(
  facts: readonly TagFacts[],
  candidates: readonly string[],
  selection: TagSelection,
): { going: TagTarget[]; kept: KeptTag[]; doubtful: KeptTag[] } {
  const known = new Set(facts.map(({ name }) => name));
  const broken = candidates.filter((name) => !known.has(name));
  const kept: KeptTag[] = [];
  const doubtful: KeptTag[] = [];
  if ("names" in selection) {
    const going: TagTarget[] = [...facts, ...broken.map((name) => ({ name, digest: undefined }))];
    return { going: going.sort(byName), kept, doubtful };
  }
  for (const name of broken) {
    const reason = "its link cannot be understood: name the tag to delete it";
    doubtful.push({ name, reason });
  }
  const going: TagTarget[] = [];
  for (const decision of chooseTags(facts, selection.rules)) {
    if (decision.goes) going.push(decision.tag);
    else (decision.isDoubt ? doubtful : kept).push({ name: decision.tag.name, reason: decision.reason });
  }
  return { going, kept, doubtful };
}

/** @returns by digest, the tags on it that do not go */
function stayingTags(
  facts: readonly TagFacts[],
  going: ReadonlySet<string>,
): ReadonlyMap<Digest, readonly string[]> {
  const staying = new Map<Digest, string[]>();
  for (const { name, digest, siblings } of unseenDigests(facts))
    staying.set(
      digest,
      [name, ...siblings].filter((each) => !going.has(each)),
    );
  return staying;
}

/** One tag for each digest: thousands of tags on one digest would each name all the others. */
function* unseenDigests(facts: readonly TagFacts[]): Generator<TagFacts> {
  const seen = new Set<Digest>();
  for (const tag of facts) {
    if (seen.has(tag.digest)) continue;
    seen.add(tag.digest);
    yield tag;
  }
}

function plannedTag(
  { name, digest }: TagTarget,
  staying: ReadonlyMap<Digest, readonly string[]>,
): PlannedTag {
  if (digest === undefined) return { name, siblings: 0, firstSiblings: [] };
  const others = staying.get(digest) ?? [];
  return { name, digest, siblings: others.length, firstSiblings: others.slice(0, SIBLINGS_TOLD) };
}

function untaggedBy(
  targets: readonly TagTarget[],
  staying: ReadonlyMap<Digest, readonly string[]>,
): Set<Digest> {
  const digests = targets.flatMap(({ digest }) => digest ?? []);
  return new Set(digests.filter((digest) => (staying.get(digest) ?? []).length === 0));
}
