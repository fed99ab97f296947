import type { DigestId } from "../graph/digest-table.ts";
import { isParked } from "../parked.ts";
import {
  layerLinkPath,
  repositoryPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
} from "../paths.ts";
import type { RepositoryEntries } from "../scan/repository-entries.ts";
import type { CollectionRules } from "./collection-rules.ts";
import { fillTimes, type LinkTimeOptions, timeOf, withTimes } from "./link-times.ts";
import { type MarkInput, RepositoryMarker } from "./mark-repository.ts";
import { parentsFirst } from "./parents-first.ts";
import type { DeadHistory, DeadManifest, RepositoryPlan } from "./repository-plan.ts";
import { type LastTagged, lastTaggedTimes } from "./untagged-since.ts";

/** So many problems of one kind and repository are told one by one. */
const PROBLEMS_SHOWN = 20;

/** Options of {@link planRepository}. */
export interface RepositoryPlanOptions
  extends CollectionRules,
    Omit<LinkTimeOptions, "onUnknown" | "agesMatter"> {
  /** Every folder that was taken for a revision is looked into, not only where it matters for what goes. */
  countsRevisions?: boolean;
}

type LookOptions = RepositoryPlanOptions & LinkTimeOptions;

/** The outcome of {@link planRepository}. What is needed is in the set that was given. */
export interface PlannedRepository {
  plan: RepositoryPlan;
  /** For people, one line each: what was kept because it is in doubt. */
  warnings: string[];
  /** Something in it is damaged or not understood, so that more of it is kept than is needed. */
  isInDoubt: boolean;
}

/** Decides what of one repository is needed and what goes. What is found only now is added to its entries. */
export async function planRepository(
  input: MarkInput,
  planOptions: RepositoryPlanOptions,
): Promise<PlannedRepository> {
  const { entries, brokenTags } = input.graph;
  const start = repositoryPath(entries.name).length + 1;
  const onUnknown = (path: string): void => entries.addUnknown(path, path.slice(start), input.table);
  const options = { ...planOptions, onUnknown };
  const warnings: string[] = [];
  await dropMissingRevisions(input, options);
  const { marker, lastTagged } = await markWhatStays(input, options);
  const hasBrokenTags = brokenTags.size > 0 || entries.hasUnknownTags;
  const tagProblems = [...brokenTags].map(([tag, reason]) => `tag ${tag} is unreadable (${reason})`);
  if (entries.hasUnknownTags) tagProblems.push("it has tags that are not understood");
  warnings.push(...warningsOf(entries.name, tagProblems, "all manifests of the repository are kept"));
  if (entries.isForeign) {
    const why = isParked(entries.name)
      ? "parked by a move that is not finished"
      : "not a valid repository name";
    warnings.push(`${entries.name}: ${why}; everything in it is kept`);
    marker.markEverything();
  } else if (marker.doubts.size > 0) {
    marker.markEverything();
    warnings.push(...warningsOf(entries.name, [...marker.doubts], "everything in the repository is kept"));
  }
  const isKeptWhole = entries.isForeign || marker.doubts.size > 0;
  const manifests = isKeptWhole ? [] : deadManifests(input, marker, lastTagged);
  const history =
    isKeptWhole || !options.deleteUntagged || hasBrokenTags ? [] : await deadHistory(input, marker, options);
  // Last, because it marks: a young layer link keeps its blob, but no manifest.
  const layerLinks = isKeptWhole ? [] : await deadLayerLinks(input, marker, options);
  if (entries.unknownKeyCount > 0) {
    warnings.push(
      `${entries.name}: ${entries.unknownKeyCount} unknown files, not touched: ${entries.unknownKeys.join(", ")}`,
    );
  }
  return {
    plan: {
      repository: entries.name,
      history,
      manifests,
      layerLinks,
      isEmptied:
        !isKeptWhole && !entries.hasUnknownTags && leavesNothing(entries, { manifests, history, layerLinks }),
    },
    warnings,
    isInDoubt: hasBrokenTags || marker.doubts.size > 0,
  };
}

/** Marks the roots and what is young, with all that they need. */
async function markWhatStays(
  input: MarkInput,
  options: LookOptions,
): Promise<{ marker: RepositoryMarker; lastTagged: Map<DigestId, LastTagged> }> {
  const { entries, brokenTags } = input.graph;
  for (;;) {
    const { hasUnknownRevisions, hasUnknownTags } = entries;
    const marker = new RepositoryMarker(input);
    marker.markRoots(!options.deleteUntagged || brokenTags.size > 0 || hasUnknownTags);
    marker.markProtected(input.protectedIds ?? NONE);
    const lastTagged = options.deleteUntagged
      ? await markYoungManifests(input, marker, options)
      : new Map<DigestId, LastTagged>();
    // While ages were asked for, something may have been found in the place of a link that makes more of them roots.
    if (entries.hasUnknownRevisions === hasUnknownRevisions && entries.hasUnknownTags === hasUnknownTags)
      return { marker, lastTagged };
  }
}

const NONE: ReadonlySet<DigestId> = new Set();

/** Tells whether the repository had something that catalogs go by, and all of it goes. */
function leavesNothing(
  { revisions, tags, layers }: RepositoryEntries,
  { manifests, history, layerLinks }: Pick<RepositoryPlan, "manifests" | "history" | "layerLinks">,
): boolean {
  if (manifests.length < revisions.length) return false;
  if (revisions.length + tags.size === 0) return layers.length > 0 && layerLinks.length === layers.length;
  const deadLinks = new Map(history.map(({ tag, ids }) => [tag, ids.length]));
  return [...tags].every(
    ([tag, { currentModifiedMs, history: links }]) =>
      currentModifiedMs === undefined && (deadLinks.get(tag) ?? 0) === links.length,
  );
}

/** One line for each problem; where there are very many, the rest in one. */
function warningsOf(repository: string, problems: readonly string[], outcome: string): string[] {
  const lines = problems.slice(0, PROBLEMS_SHOWN).map((problem) => `${repository}: ${problem}; ${outcome}`);
  const rest = problems.length - PROBLEMS_SHOWN;
  if (rest > 0) lines.push(`${repository}: ${rest} more problems of this kind; ${outcome}`);
  return lines;
}

/**
 * A scan may take a folder for a revision in which there is no link. Such a one must not be a root, nor keep anything
 * because of its subject or because it cannot be read.
 */
async function dropMissingRevisions(
  { graph: { entries }, references, table }: MarkInput,
  options: LookOptions,
): Promise<void> {
  const { name, revisions } = entries;
  const pathOf = (id: DigestId): string => revisionLinkPath(name, table.digestOf(id));
  const keepsOthers = (id: DigestId): boolean =>
    references.state(id) !== "read" || references.subject(id) !== undefined;
  const indexes = [...revisions.keys()].filter(
    (index) => options.countsRevisions || !options.deleteUntagged || keepsOthers(revisions.id(index)),
  );
  await fillTimes(revisions, indexes, options, pathOf);
}

/** Spares what was pushed or untagged lately, with its closure. */
async function markYoungManifests(
  { graph: { entries }, table }: MarkInput,
  marker: RepositoryMarker,
  options: LookOptions,
): Promise<Map<DigestId, LastTagged>> {
  const { name, revisions, tags } = entries;
  const untagged: number[] = [];
  for (let index = 0; index < revisions.length; index++) {
    if (!marker.isNeeded(revisions.id(index))) untagged.push(index);
  }
  if (untagged.length === 0) return new Map();
  // When a tag was moved away from a manifest, only the tag's other links tell.
  const needsAll = options.keepUntaggedAfterMs !== Number.POSITIVE_INFINITY;
  const pathOf = (id: DigestId): string => revisionLinkPath(name, table.digestOf(id));
  const present = needsAll
    ? await fillTimes(revisions, untagged, options, pathOf)
    : await withTimes(revisions, untagged, options, pathOf);
  for (const [tag, { history }] of tags) {
    const indexes = [...history.keys()].filter((index) => needsAll || !marker.isNeeded(history.id(index)));
    await fillTimes(history, indexes, options, (id) => tagHistoryLinkPath(name, tag, table.digestOf(id)));
  }
  for (const [tag, entry] of tags) {
    if (!needsAll || !Number.isNaN(entry.currentModifiedMs ?? 0)) continue;
    entry.currentModifiedMs =
      (await timeOf(options.driver, tagCurrentLinkPath(name, tag))) ?? Number.POSITIVE_INFINITY;
  }
  const lastTagged = lastTaggedTimes(tags);
  for (const index of present) {
    const id = revisions.id(index);
    const tagged = lastTagged.get(id);
    // Not known where no age was asked for.
    const revisionMs = revisions.modifiedMs(index);
    const writtenMs = Math.max(Number.isNaN(revisionMs) ? 0 : revisionMs, tagged?.newestLinkMs ?? 0);
    const untaggedMs = Math.max(writtenMs, tagged?.untaggedMs ?? 0);
    if (writtenMs > options.keepWrittenAfterMs || untaggedMs > options.keepUntaggedAfterMs)
      marker.markManifest(id);
  }
  return lastTagged;
}

function deadManifests(
  { graph: { entries }, references }: MarkInput,
  marker: RepositoryMarker,
  lastTagged: ReadonlyMap<DigestId, LastTagged>,
): readonly DeadManifest[] {
  const dead: Omit<DeadManifest, "level">[] = [];
  for (const id of entries.revisions.ids()) {
    if (marker.isNeeded(id)) continue;
    dead.push({ id, isAbsent: references.state(id) === "absent", lastTagged: lastTagged.get(id) });
  }
  return parentsFirst(dead, references);
}

/** The history links that would point to nothing after the sweep. */
async function deadHistory(
  { graph: { entries }, table }: MarkInput,
  marker: RepositoryMarker,
  options: LookOptions,
): Promise<DeadHistory[]> {
  const dead: DeadHistory[] = [];
  for (const [tag, { history }] of entries.tags) {
    const candidates = [...history.keys()].filter((index) => !marker.isNeeded(history.id(index)));
    const pathOf = (id: DigestId): string => tagHistoryLinkPath(entries.name, tag, table.digestOf(id));
    const present = await withTimes(history, candidates, options, pathOf);
    const ids = present
      .filter((index) => !(history.modifiedMs(index) > options.keepWrittenAfterMs))
      .map((index) => history.id(index));
    if (ids.length > 0) dead.push({ tag, ids });
  }
  return entries.hasUnknownTags ? [] : dead;
}

/** Layer links that no kept manifest of the repository needs; a young link is kept and keeps its blob. */
async function deadLayerLinks(
  { graph: { entries }, table }: MarkInput,
  marker: RepositoryMarker,
  options: LookOptions,
): Promise<DigestId[]> {
  const { layers, name } = entries;
  const candidates: number[] = [];
  for (let index = 0; index < layers.length; index++) {
    if (!marker.isNeeded(layers.id(index))) candidates.push(index);
  }
  const pathOf = (id: DigestId): string => layerLinkPath(name, table.digestOf(id));
  const dead: DigestId[] = [];
  for (const index of await withTimes(layers, candidates, options, pathOf)) {
    if (layers.modifiedMs(index) > options.keepWrittenAfterMs) marker.markBlob(layers.id(index));
    else dead.push(layers.id(index));
  }
  return dead;
}
