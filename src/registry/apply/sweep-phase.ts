/** The phases of a sweep, in order. A crash between any two steps leaves garbage, never a dangling reference. */
export const SWEEP_PHASES = [
  "tag history",
  "manifests",
  "layer links",
  "empty repositories",
  "blobs",
] as const;

/** One of {@link SWEEP_PHASES}. */
export type SweepPhase = (typeof SWEEP_PHASES)[number];

/** How many folders above each file go with it, if they are empty then. */
export const FOLDERS_ABOVE: Record<Exclude<SweepPhase, "empty repositories">, number> = {
  // Those of the digest, the algorithm, the index and the tag: one with a current link never is empty.
  "tag history": 4,
  manifests: 1,
  "layer links": 1,
  blobs: 1,
};

/** Phases that remove links without which, as long as the blobs are gone, a pull fails if a power cut brings them back. */
export const LINK_PHASES: ReadonlySet<SweepPhase> = new Set<SweepPhase>(["manifests", "layer links"]);
