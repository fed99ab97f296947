import { checkPath } from "../../storage/check-path.ts";
import { BLOBS_ROOT, REPOSITORIES_ROOT } from "../paths.ts";
import type { SweepPhase } from "./sweep-phase.ts";

/** Links of manifests and layers, and those that would be in folders named by a digest that hold nothing. */
const LINK = new RegExp(
  `^(?:${REPOSITORIES_ROOT}/.+/(?:_manifests/revisions|_layers)|${BLOBS_ROOT}/[^/]+)/[^/]+/[^/]+/link$`,
  "s",
);
const SHAPES: Record<SweepPhase, RegExp> = {
  "tag history": new RegExp(`^${REPOSITORIES_ROOT}/.+/_manifests/tags/[^/]+/index/[^/]+/[^/]+/link$`, "s"),
  manifests: LINK,
  "layer links": LINK,
  "empty repositories": new RegExp(`^${REPOSITORIES_ROOT}(?:/[^/_][^/]*)+$`, "s"),
  blobs: new RegExp(`^${BLOBS_ROOT}/[^/]+/[^/]+/[^/]+/data$`, "s"),
};

/** Tells whether a path, as it stands in a batch, is one that a sweep removes in this phase: none is that of a root. */
export function isSweptPath(phase: SweepPhase, path: string): boolean {
  if (!SHAPES[phase].test(path)) return false;
  try {
    checkPath(path);
    return true;
  } catch {
    return false;
  }
}
