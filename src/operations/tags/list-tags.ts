import { byName } from "../../lib/compare-text.ts";
import type { Pattern } from "../../lib/re2-pattern.ts";
import type { AgeBy } from "./choose-tags.ts";
import type { TagFacts, TagSource } from "./tag-source.ts";

/** By what tags are sorted: dates the newest first, sizes the largest first, names in byte order. */
export type TagOrder = "created" | "pushed" | "name" | "size";

/** Which tags are listed, and how. */
export interface ListTagsOptions {
  /** Only names that match. */
  match: Pattern | undefined;
  /** Only tags that are older; those whose date nobody knows are not. */
  olderThanMs: number | undefined;
  ageBy: AgeBy;
  order: TagOrder;
  /** In milliseconds since 1970. */
  nowMs: number;
  /** false: nothing is read that the choice and the order do not need. */
  wantsFacts: boolean;
  signal?: AbortSignal | undefined;
}

/** Tags of one repository. */
export interface ListedTags {
  repository: string;
  /** How many there are in all. */
  count: number;
  names: string[];
  /** Of `names`; empty if nothing was to be read. */
  tags: TagFacts[];
  /** Tags whose link holds no digest. */
  broken: string[];
  /** Tags of which something could not be read. */
  unreadable: { name: string; reason: string }[];
}

/**
 * Lists tags of a repository with what is known of them.
 *
 * @throws {RegistryCtlError} if they cannot be listed
 */
export async function listTags(
  source: TagSource,
  repository: string,
  options: ListTagsOptions,
): Promise<ListedTags> {
  const { match, olderThanMs, ageBy, order, wantsFacts, signal } = options;
  const all = await source.names(repository, signal);
  const matching = match === undefined ? all : all.filter((name) => match.test(name));
  const empty = { repository, count: all.length, tags: [], broken: [], unreadable: [] };
  const wantsDate = (date: AgeBy): boolean => (olderThanMs !== undefined && ageBy === date) || order === date;
  const wants = {
    created: wantsFacts || wantsDate("created"),
    pushed: wantsFacts || wantsDate("pushed"),
    size: wantsFacts || order === "size",
    platforms: wantsFacts,
  };
  if (matching.length === 0 || !Object.values(wants).includes(true)) return { ...empty, names: matching };
  const facts = await source.facts(repository, match === undefined ? undefined : matching, wants, signal);
  const known = new Set(facts.map(({ name }) => name));
  const tags = facts.filter((tag) => isOlder(tag, options)).sort(comparison(order));
  return {
    ...empty,
    names: tags.map(({ name }) => name),
    tags,
    broken: matching.filter((name) => !known.has(name)),
    unreadable: facts.flatMap(({ name, created }) =>
      created.kind === "unreadable" ? [{ name, reason: created.reason }] : [],
    ),
  };
}

function isOlder(tag: TagFacts, { olderThanMs, ageBy, nowMs }: ListTagsOptions): boolean {
  if (olderThanMs === undefined) return true;
  const ms = ageBy === "pushed" ? tag.pushedMs : createdMs(tag);
  return ms !== undefined && ms < nowMs - olderThanMs;
}

/** What nobody knows comes last. */
function comparison(order: TagOrder): (a: TagFacts, b: TagFacts) => number {
  if (order === "name") return byName;
  const value = { created: createdMs, pushed: pushedMs, size: sizeBytes }[order];
  return (a, b) => {
    const [left = Number.NEGATIVE_INFINITY, right = Number.NEGATIVE_INFINITY] = [value(a), value(b)];
    return left === right ? byName(a, b) : right - left;
  };
}

/** @returns when the image was created, in milliseconds since 1970; undefined if that is not known */
export function createdMs({ created }: TagFacts): number | undefined {
  return created.kind === "known" ? created.ms : undefined;
}

function pushedMs(tag: TagFacts): number | undefined {
  return tag.pushedMs;
}

function sizeBytes(tag: TagFacts): number | undefined {
  return tag.sizeBytes;
}
