import { maskLines } from "../../lib/mask-lines.ts";
import type { PlannedFile } from "../../operations/derived/planned-file.ts";
import type { Colours } from "../../ui/colour.ts";
import { renderDiff } from "../../ui/render-diff.ts";

/** @returns the diffs of all files, one below the other; others have secrets in such files, which are masked */
export function renderChanges(changes: readonly PlannedFile[], colours?: Colours): string {
  return changes
    .map(({ path, before, after }) => renderDiff({ path, before, after, mask: maskLines }, colours))
    .filter((text) => text !== "")
    .join("\n");
}
