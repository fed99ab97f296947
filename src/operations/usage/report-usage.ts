import { ChosenRows, type RowChoice } from "./choose-rows.ts";
import { isHeld, isUntagged } from "./measure-groups.ts";
import type { ProjectChoice } from "./usage-groups.ts";
import type { UsageModel } from "./usage-model.ts";
import type { ProjectsFrom, UsageKind, UsageReport } from "./usage-report.ts";
import {
  layerRows,
  mediaTypeRows,
  projectRows,
  repositoryRows,
  type SharingRows,
  tagRows,
} from "./usage-rows.ts";

/** Options of {@link reportUsage}. */
export interface UsageReportOptions extends RowChoice, ProjectChoice {
  by: UsageKind;
  /** Whether `directory` comes from GitLab; else from a list. */
  isFromGitLab: boolean;
  /** As the model was read with. */
  graceMs: number;
}

/** Puts together what `usage` prints. */
export function reportUsage(model: UsageModel, options: UsageReportOptions): UsageReport {
  const { by, graceMs, overBytes } = options;
  const chosen = new ChosenRows(options);
  const { rows, sharedBytes } = rowsOf(model, options);
  for (const row of rows) chosen.add(row);
  const { repositories, blobs } = model;
  const total = {
    ...{
      repositories: repositories.length,
      tags: 0,
      manifests: 0,
      blobs: blobs.count,
      sizeBytes: blobs.bytes,
    },
    ...(sharedBytes !== undefined && { sharedBytes }),
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
    if (isHeld(model, id)) total.untaggedBytes += freeBytes;
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

function rowsOf(model: UsageModel, options: UsageReportOptions): SharingRows {
  switch (options.by) {
    case "project":
      return projectRows(model, options);
    case "repository":
      return repositoryRows(model);
    case "tag":
      return { rows: tagRows(model) };
    case "layer":
      return { rows: layerRows(model) };
    case "media-type":
      return { rows: mediaTypeRows(model) };
  }
}

function projectsFrom({ directory, depth, isFromGitLab }: UsageReportOptions): ProjectsFrom {
  if (directory === undefined) return { from: "guess", depth };
  return { from: isFromGitLab ? "gitlab" : "list", known: directory.size };
}

function blindness({ isFreeable }: UsageModel): string[] {
  if (isFreeable) return [];
  return [
    "what could not be read may need any blob: until it can be, garbage-collect frees nothing, and nothing is counted as freed",
  ];
}
