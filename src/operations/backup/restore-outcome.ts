import type { Digest } from "../../oci/digest.ts";
import type { RepositoryPlan } from "./plan-repository.ts";
import type { DifferingTag, RestoreReport } from "./restore-report.ts";

/** What is to be done in all repositories, or was. */
export interface Outcome {
  tags: RestoreReport["tags"];
  manifests: RestoreReport["manifests"];
  blobs: Map<Digest, number>;
  links: number;
  differing: DifferingTag[];
  overwritten: DifferingTag[];
  kept: DifferingTag[];
  lacking: RestoreReport["lacking"];
}

/** @returns one of nothing */
export function newOutcome(): Outcome {
  return {
    tags: { new: 0, same: 0, overwritten: 0, kept: 0, lacking: 0 },
    manifests: { new: 0, same: 0, lacking: 0 },
    ...{ blobs: new Map(), links: 0, differing: [], overwritten: [], kept: [], lacking: [] },
  };
}

/**
 * Adds what is to be done in a repository.
 *
 * @param isWritten - tells of a tag that points elsewhere whether it is to be changed
 */
export function addPlan(
  outcome: Outcome,
  plan: RepositoryPlan,
  isWritten: (tag: DifferingTag) => boolean,
): void {
  outcome.manifests.new += plan.revisionLinks.length;
  outcome.manifests.same += plan.sameManifests;
  outcome.manifests.lacking += plan.lacking.length;
  outcome.tags.same += plan.sameTags;
  outcome.tags.lacking += plan.lackingTags;
  outcome.links += plan.layerLinks.length + plan.revisionLinks.length;
  for (const { digest, sizeBytes } of plan.blobs) outcome.blobs.set(digest, sizeBytes);
  for (const { tag, differs } of plan.tags) {
    if (differs) outcome.differing.push(differs);
    if (differs && !isWritten(differs)) {
      outcome.tags.kept++;
      outcome.kept.push(differs);
      continue;
    }
    if (differs) {
      outcome.tags.overwritten++;
      outcome.overwritten.push(differs);
    } else outcome.tags.new++;
    const restored = tag.history.filter(({ digest }) => plan.complete.has(digest)).length;
    outcome.links += restored + 2;
  }
  outcome.lacking.push(...plan.lacking);
}

/** @returns what tells a differing tag, with where it points to, from any other */
export function keyOf({ repository, tag, before }: DifferingTag): string {
  return `${repository}:${tag}@${before}`;
}
