import { PagedArray } from "../../registry/graph/paged-array.ts";
import { ChosenRows, type RowChoice } from "./choose-rows.ts";
import { isUntagged, type UsageGroup } from "./measure-groups.ts";
import { type ProjectChoice, projectGroups, repositoryGroups } from "./usage-groups.ts";
import type { UsageModel } from "./usage-model.ts";
import type { ProjectsFrom, UsageKind, UsageReport, UsageRow } from "./usage-report.ts";
import { layerRows, mediaTypeRows, projectRows, repositoryRows, tagRows } from "./usage-rows.ts";

/** Options of {@link reportUsage}. */
export interface UsageReportOptions extends RowChoice, ProjectChoice {
  by: UsageKind;
  /** Whether `directory` comes from GitLab; else from a list. */
  isFromGitLab: boolean;
  /** As the model was read with. */
  graceMs: number;
}

const SHARED = 0xffff_ffff;

/** Puts together what `usage` prints. */
export function reportUsage(model: UsageModel, options: UsageReportOptions): UsageReport {
  const { by, graceMs, overBytes } = options;
  const chosen = new ChosenRows(options);
  for (const row of rowsOf(model, options)) chosen.add(row);
  const { repositories, blobs } = model;
  const total = {
    ...{
      repositories: repositories.length,
      tags: 0,
      manifests: 0,
      blobs: blobs.count,
      sizeBytes: blobs.bytes,
    },
    ...sharedBytes(model, options),
    untaggedBytes: 0,
  };
  const orphans = { blobs: 0, sizeBytes: 0, freeableBytes: 0 };
  for (const { tags, manifests } of repositories) {
    total.tags += tags.names.length;
    total.manifests += manifests;
  }
  for (const id of blobs.ids()) {
    const sizeBytes = blobs.sizeBytes(id);
    const freeBytes = isUntagged(model, id) ? sizeBytes : 0;
    if (model.kept.get(id) !== 0) total.untaggedBytes += freeBytes;
    else {
      orphans.blobs++;
      orphans.sizeBytes += sizeBytes;
      orphans.freeableBytes += freeBytes;
    }
  }
  return {
    ...{ schemaVersion: 1, command: "usage", by },
    ...(by === "project" && { projects: projectsFrom(options) }),
    graceSeconds: graceMs / 1000,
    ...chosen.finish(),
    ...(overBytes !== undefined && { overBytes }),
    ...{ total, orphans },
    problems: [...model.problems, ...blindness(model)],
    warnings: [...model.notices],
  };
}

function rowsOf(model: UsageModel, options: UsageReportOptions): Iterable<UsageRow> {
  switch (options.by) {
    case "project":
      return projectRows(model, options);
    case "repository":
      return repositoryRows(model);
    case "tag":
      return tagRows(model);
    case "layer":
      return layerRows(model);
    case "media-type":
      return mediaTypeRows(model);
  }
}

function projectsFrom({ directory, depth, isFromGitLab }: UsageReportOptions): ProjectsFrom {
  if (directory === undefined) return { from: "guess", depth };
  return { from: isFromGitLab ? "gitlab" : "list", known: directory.size };
}

/** Of blobs that more than one group needs, each once. */
function sharedBytes(model: UsageModel, options: UsageReportOptions): { sharedBytes?: number } {
  if (options.by !== "project" && options.by !== "repository") return {};
  const groups: readonly UsageGroup[] =
    options.by === "project" ? projectGroups(model, options) : repositoryGroups(model);
  const owners = PagedArray.integers();
  let bytes = 0;
  for (const [index, { repositories }] of groups.entries()) {
    for (const { held } of repositories) {
      for (const id of held.all()) {
        const owner = owners.get(id);
        if (owner === 0) owners.set(id, index + 1);
        else if (owner !== index + 1 && owner !== SHARED) {
          owners.set(id, SHARED);
          bytes += model.blobs.sizeBytes(id);
        }
      }
    }
  }
  return { sharedBytes: bytes };
}

function blindness({ isFreeable }: UsageModel): string[] {
  if (isFreeable) return [];
  return [
    "what could not be read may need any blob: until it can be, garbage-collect frees nothing, and nothing is counted as freed",
  ];
}
