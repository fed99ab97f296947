import { PagedArray } from "../../registry/graph/paged-array.ts";
import { type GroupAmounts, isHeld, isUntagged, measureGroups, type UsageGroup } from "./measure-groups.ts";
import { measureTags } from "./measure-tags.ts";
import { type ProjectChoice, projectGroups, repositoryGroups } from "./usage-groups.ts";
import type { UsageModel } from "./usage-model.ts";
import type { UsageRow } from "./usage-report.ts";

/** What media types are called that manifests do not give, or that are too many. */
const UNKNOWN_TYPE = "(unknown)";

/** Rows that may share blobs, and how much they do, each blob once. */
export interface SharingRows {
  rows: Iterable<UsageRow>;
  sharedBytes?: number;
}

/** @returns a row for each repository */
export function repositoryRows(model: UsageModel): SharingRows {
  return groupRows(model, repositoryGroups(model));
}

/** @returns a row for each project that has repositories */
export function projectRows(model: UsageModel, choice: ProjectChoice): SharingRows {
  const groups = projectGroups(model, choice);
  const { rows, sharedBytes } = groupRows(model, groups);
  const all = [...rows].map((row, index): UsageRow => {
    const { project, repositories = [] } = groups[index] ?? {};
    return {
      ...{ name: row.name, ...(project === undefined && { guessed: true as const }) },
      ...(project?.id !== undefined && { projectId: project.id }),
      ...(project?.creatorId !== undefined && { creatorId: project.creatorId }),
      ...{ ...row, repositories: repositories.length },
    };
  });
  return { rows: all, sharedBytes: sharedBytes ?? 0 };
}

function groupRows(model: UsageModel, groups: readonly UsageGroup[]): SharingRows {
  const { amounts, sharedBytes } = measureGroups(model, groups);
  return { rows: rowsOf(groups, amounts), sharedBytes };
}

function* rowsOf(groups: readonly UsageGroup[], amounts: readonly GroupAmounts[]): Generator<UsageRow> {
  for (const [index, { name, repositories }] of groups.entries()) {
    const amount = amounts[index];
    if (amount === undefined) continue;
    const { sizeBytes, exclusiveBytes, untaggedBytes, gitlabBytes, tags, manifests, lastPushMs } = amount;
    yield {
      name,
      ...(repositories.some(({ isParked }) => isParked) && { parked: true }),
      ...(repositories.some(({ isInDoubt }) => isInDoubt) && { damaged: true }),
      ...{ sizeBytes, sharedBytes: sizeBytes - exclusiveBytes, exclusiveBytes, untaggedBytes, gitlabBytes },
      ...{ tags, manifests, ...pushedAt(lastPushMs) },
    };
  }
}

/** @returns a row for each tag; of a model with `wantsTagNeeds` */
export function* tagRows(model: UsageModel): Generator<UsageRow> {
  const amounts = measureTags(model);
  let index = 0;
  for (const { name, isParked, isInDoubt, tags } of model.repositories) {
    for (const [at, tag] of tags.names.entries()) {
      const { sizeBytes = 0, exclusiveBytes = 0 } = amounts[index++] ?? {};
      const target = tags.targets[at];
      yield {
        name: `${name}:${tag}`,
        ...(isParked && { parked: true }),
        ...(isInDoubt && { damaged: true }),
        ...(target !== undefined && { digest: model.table.digestOf(target) }),
        ...{ sizeBytes, sharedBytes: sizeBytes - exclusiveBytes, exclusiveBytes },
        gitlabBytes: target === undefined ? 0 : model.references.layersBytes(target),
        ...pushedAt(tags.pushedMs[at]),
      };
    }
  }
}

/** @returns a row for each blob that some repository needs: layers, configs and manifests */
export function* layerRows(model: UsageModel): Generator<UsageRow> {
  const counts = PagedArray.integers();
  for (const { held } of model.repositories) {
    for (const id of held.all()) counts.set(id, counts.get(id) + 1);
  }
  for (const id of model.blobs.ids()) {
    if (!isHeld(model, id)) continue;
    const sizeBytes = model.blobs.sizeBytes(id);
    const mediaType = model.references.mediaType(id).name;
    yield {
      name: model.table.digestOf(id),
      ...(mediaType !== undefined && { mediaType }),
      ...{ sizeBytes, untaggedBytes: isUntagged(model, id) ? sizeBytes : 0, repositories: counts.get(id) },
    };
  }
}

/** @returns a row for each media type of blobs that some repository needs */
export function* mediaTypeRows(model: UsageModel): Generator<UsageRow> {
  const rows = new Map<string, { sizeBytes: number; untaggedBytes: number; blobs: number }>();
  for (const id of model.blobs.ids()) {
    if (!isHeld(model, id)) continue;
    const name = model.references.mediaType(id).name ?? UNKNOWN_TYPE;
    const row = rows.get(name) ?? { sizeBytes: 0, untaggedBytes: 0, blobs: 0 };
    rows.set(name, row);
    const sizeBytes = model.blobs.sizeBytes(id);
    row.blobs++;
    row.sizeBytes += sizeBytes;
    if (isUntagged(model, id)) row.untaggedBytes += sizeBytes;
  }
  for (const [name, row] of rows) yield { name, ...row };
}

function pushedAt(ms: number | undefined): Pick<UsageRow, "lastPushAt"> {
  return ms === undefined ? {} : { lastPushAt: new Date(ms).toISOString() };
}
