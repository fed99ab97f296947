import type { DigestId } from "../../../registry/graph/digest-table.ts";
import type { HeldDigests } from "../held-digests.ts";
import type { UsageModel, UsageRepository } from "../usage-model.ts";

/** The tag that clients pull when they name none. It goes only where somebody names it, or a whole project. */
const LATEST = "latest";

/** The tags of one repository that point to one manifest: it is kept until the last of them has gone. */
export interface TagGroup {
  repository: UsageRepository;
  target: DigestId;
  /** In key order. */
  tags: readonly string[];
  /** When the newest of them was set; undefined: not known. */
  pushedMs: number | undefined;
  /** Everything that they need. */
  needs: HeldDigests;
  /** Why they stay whatever happens; undefined for those that may go. `latest` stays unless its whole project goes. */
  staysFor: "doubt" | "move" | "age" | "protected" | "latest" | undefined;
}

/** Which tags may go. */
export interface GroupRules {
  /** Tags that were set after this moment stay: a collection would not free them yet, and somebody works with them. */
  keepPushedAfterMs: number;
  /** Tells whether a tag is protected, by its name or by what it points to. */
  isProtected: (repository: string, tag: string, target: DigestId) => boolean;
}

/** @returns all readable tags of a store in groups, in the order of repositories and of their first tags */
export function tagGroups(model: UsageModel, rules: GroupRules): TagGroup[] {
  return model.repositories.flatMap((repository) => [...groupsOf(repository, rules).values()]);
}

function groupsOf(repository: UsageRepository, rules: GroupRules): Map<DigestId, TagGroup> {
  const { names, targets, pushedMs, needs } = repository.tags;
  const groups = new Map<DigestId, TagGroup & { tags: string[] }>();
  for (const [index, tag] of names.entries()) {
    const [target, needed, pushed] = [targets[index], needs?.[index], pushedMs[index]];
    if (target === undefined || needed === undefined) continue;
    const staysFor = reasonToStay(repository, tag, target, pushed, rules);
    const group = groups.get(target);
    if (group === undefined) {
      groups.set(target, { repository, target, tags: [tag], pushedMs: pushed, needs: needed, staysFor });
      continue;
    }
    group.tags.push(tag);
    // One that is of unknown age makes it unknown when the last of them was set.
    group.pushedMs =
      group.pushedMs === undefined || pushed === undefined ? undefined : Math.max(group.pushedMs, pushed);
    if (group.staysFor === undefined || group.staysFor === "latest")
      group.staysFor = staysFor ?? group.staysFor;
  }
  return groups;
}

function reasonToStay(
  { name, isInDoubt, isParked }: UsageRepository,
  tag: string,
  target: DigestId,
  pushedMs: number | undefined,
  rules: GroupRules,
): TagGroup["staysFor"] {
  if (isInDoubt) return "doubt";
  if (isParked) return "move";
  if ((pushedMs ?? 0) > rules.keepPushedAfterMs) return "age";
  if (rules.isProtected(name, tag, target)) return "protected";
  return tag === LATEST ? "latest" : undefined;
}
