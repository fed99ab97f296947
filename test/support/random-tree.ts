import * as fc from "fast-check";
import { type Pushed, type RegistryTree, RepositoryTree } from "./registry-tree.ts";

/** One push into a small registry; numbers choose among what is there. */
export interface PushStep {
  kind: "image" | "index" | "artifact" | "layer" | "orphan" | "untag" | "retag";
  repository: number;
  picks: number[];
  tag: number | undefined;
}

/** Registries made by up to 25 pushes into three repositories, two of them nested. */
export const pushSteps: fc.Arbitrary<PushStep[]> = fc.array(
  fc.record({
    kind: fc.constantFrom<PushStep["kind"]>(
      "image",
      "image",
      "index",
      "artifact",
      "layer",
      "orphan",
      "untag",
      "retag",
    ),
    repository: fc.nat(2),
    picks: fc.array(fc.nat(7), { maxLength: 3 }),
    tag: fc.option(fc.nat(2), { nil: undefined }),
  }),
  { maxLength: 25 },
);

const NAMES = ["a", "a/b", "c"];

/** Does the pushes. There is always a tag, so that no brake stops a collection. */
export async function buildRandomTree(tree: RegistryTree, steps: readonly PushStep[]): Promise<void> {
  await tree.repository("zz").image("always", ["always"], { tag: "always" });
  const pushed: Pushed[][] = NAMES.map(() => []);
  for (const [number, step] of steps.entries()) {
    const own = pushed[step.repository] ?? [];
    await push(new RepositoryTree(tree, NAMES[step.repository] ?? "a"), own, step, number);
  }
}

async function push(
  repository: RepositoryTree,
  own: Pushed[],
  step: PushStep,
  number: number,
): Promise<void> {
  const options = step.tag === undefined ? {} : { tag: `t${step.tag}` };
  const picked = step.picks.flatMap((pick) => own[pick % Math.max(own.length, 1)] ?? []);
  const [first] = picked;
  // A few layers, so that images, repositories and manifests share them.
  const layers = step.picks.map((pick) => `layer ${pick}`);
  if (step.kind === "image") own.push(await repository.image(`image ${step.picks[0]}`, layers, options));
  else if (step.kind === "index") own.push(await repository.index(picked, options));
  else if (step.kind === "layer") await repository.layer(`layer ${step.picks[0]}`);
  else if (step.kind === "orphan") await repository.tree.blob(`orphan ${number}`);
  else if (step.kind === "untag") await repository.untag(`t${step.tag}`);
  else if (!first) return;
  else if (step.kind === "artifact") own.push(await repository.artifact(`sbom ${number}`, first, options));
  else if (options.tag) await repository.tag(options.tag, first.digest);
}
