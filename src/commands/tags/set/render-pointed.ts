import type { PointedTag } from "./point-tag.ts";

/** @returns what became of a tag, or would */
export function renderPointed({ dryRun, repository, tag, before, after, changed }: PointedTag): string {
  const name = `${repository}:${tag}`;
  if (!changed) return `${name} points to ${after} already: nothing to do`;
  const was =
    before === undefined ? "it is new" : before === "unreadable" ? "its link was broken" : `was ${before}`;
  if (dryRun) return `would point ${name} to ${after} (${was})\nnothing was changed (dry run)`;
  return `${name} points to ${after} (${was})`;
}
