import { countOf } from "../../lib/count-of.ts";
import type { Digest } from "../../oci/digest.ts";
import type { ProtectedImages } from "../tags/protected.ts";
import { protectTags } from "../tags/protected-tags.ts";
import type { TagFacts, TagSource } from "../tags/tag-source.ts";
import type { CleanupRules } from "./cleanup-rules.ts";
import {
  type CleanupStep,
  compareNewestFirst,
  decideByDate,
  decideByName,
  type ListCut,
} from "./decide-tags.ts";

/** What the dates of a repository's tags are decided with. */
export interface DecisionOptions extends ListCut {
  /** The day on which it is tried: milliseconds since 1970. */
  nowMs: number;
  /** Stay, whatever the policy says; undefined: nothing is protected. */
  protectedImages: ProtectedImages | undefined;
  signal?: AbortSignal | undefined;
}

/** A tag of which more than its name was looked at. */
export interface ExaminedTag {
  name: string;
  /** `undefined`: its link is broken. */
  digest: Digest | undefined;
  createdMs: number | undefined;
}

/** What a policy makes of the tags of a repository. */
export interface RepositoryDecision {
  /** The step that decides, by the name of each tag. */
  steps: Map<string, CleanupStep>;
  /** Those whose name did not keep them, newest first, as keep_n counts them. */
  examined: ExaminedTag[];
  /** Those of the step `protected` that stay only because something could not be read, by name, with the reason. */
  doubtful: ReadonlyMap<string, string>;
  /** What goes, oldest first. */
  deletable: { name: string; digest: Digest; createdMs: number | undefined }[];
  /** Where the next run is to go on; `undefined` if this one comes to the end of the list. */
  continueAfter: string | undefined;
  /** Why nothing may be deleted of it this time, although its policy says so. */
  problem: string | undefined;
}

/**
 * Applies a policy to a repository. Of tags that their names keep nothing is read but the names.
 *
 * A date that cannot be read stops the whole repository: taken for the newest, the tag would push another one out of keep_n.
 *
 * @throws {RegistryCtlError} if its tags cannot be read
 */
export async function decideRepository(
  source: TagSource,
  repository: string,
  rules: CleanupRules,
  options: DecisionOptions,
): Promise<RepositoryDecision> {
  const { nowMs, protectedImages: images, signal } = options;
  const names = await source.names(repository, signal);
  images?.noteTags(repository, names);
  const byName = decideByName(names, rules, options);
  const { candidates, continueAfter } = byName;
  const facts = new Map<string, TagFacts>();
  if (candidates.length > 0) {
    for (const each of await source.facts(repository, candidates, WANTED, signal)) facts.set(each.name, each);
  }
  const dated = candidates.map((name) => {
    const known = facts.get(name);
    return {
      name,
      digest: known?.digest,
      // A tag that is gone by now has none either.
      hasManifest: known !== undefined && !known.isManifestMissing,
      createdMs: known?.created.kind === "known" ? known.created.ms : undefined,
      isProtected: known !== undefined && images?.protects(repository, name, known.digest) === true,
    };
  });
  const steps = decideByDate(dated, rules, nowMs);
  const going = candidates.flatMap((name) => (steps.get(name) === "delete" ? (facts.get(name) ?? []) : []));
  const protections = await protectTags(source, repository, going, { images, signal });
  for (const name of protections.keys()) steps.set(name, "protected");
  const examined = dated.sort((a, b) => compareNewestFirst(a, b, nowMs));
  const deletable = examined.flatMap(({ name, digest, createdMs }) =>
    digest !== undefined && steps.get(name) === "delete" ? [{ name, digest, createdMs }] : [],
  );
  return {
    steps: new Map([...byName.kept, ...steps]),
    examined: examined.map(({ name, digest, createdMs }) => ({ name, digest, createdMs })),
    doubtful: new Map(
      [...protections].flatMap(([name, { reason, isDoubt }]) => (isDoubt ? [[name, reason]] : [])),
    ),
    deletable: deletable.reverse(),
    continueAfter,
    problem: unreadableProblem([...facts.values()], rules),
  };
}

const WANTED = { created: true, size: false, platforms: false, pushed: false };

function unreadableProblem(
  facts: readonly TagFacts[],
  { keepN, olderThanMs }: CleanupRules,
): string | undefined {
  if (keepN === undefined && olderThanMs === undefined) return undefined;
  const unreadable = facts.flatMap(({ name, created, isManifestMissing }) =>
    created.kind === "unreadable" && !isManifestMissing ? [{ name, reason: created.reason }] : [],
  );
  const [first] = unreadable;
  if (first === undefined) return undefined;
  return `when ${countOf(unreadable.length, "tag")} were created cannot be read, such as ${first.name} (${first.reason}): nothing is deleted here, since keep_n and older_than need it`;
}
