import { printableLine } from "../../../lib/printable.ts";
import type { PointedTag } from "../set/point-tag.ts";
import { renderPointed } from "../set/render-pointed.ts";

/** Something that a tag pointed to, as it is told. */
interface ToldCandidate {
  digest: string;
  /** ISO 8601, UTC. */
  last: string;
  known: string;
  source: string;
  by?: string;
}

/** @returns what became of a tag, or would, and how it is known that it pointed there */
export function renderRestored(report: PointedTag & { why?: string }): string {
  const { why } = report;
  return why === undefined ? renderPointed(report) : `${renderPointed(report)}\nit pointed there ${why}`;
}

/**
 * @param now - what the tag points to
 * @returns all that a tag is known to have pointed to, one a line
 */
export function renderCandidates(candidates: readonly ToldCandidate[], now: string): string {
  const lines = candidates.map(({ digest, last, known, source, by }) => {
    const how =
      source === "link" ? "by its history links" : `by the audit${by === undefined ? "" : `, ${by}`}`;
    return printableLine(
      `  ${digest}  ${known} ${last}, ${how}${digest === now ? " (it points there)" : ""}`,
    );
  });
  return ["what it is known to have pointed to, the last first:", ...lines].join("\n");
}
