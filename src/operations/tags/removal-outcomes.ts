import type { Digest } from "../../oci/digest.ts";
import type { RemovalOutcome } from "./tag-source.ts";

/** @returns the outcome of a tag that somebody has set since it was planned to remove it */
export function movedOutcome(name: string, target: Digest | "broken"): RemovalOutcome {
  return {
    name,
    kind: "moved",
    reason: target === "broken" ? "its link is broken by now" : `it points to ${target} by now`,
  };
}
