import type { Digest } from "../../oci/digest.ts";
import type { DigestId, DigestTable } from "../../registry/graph/digest-table.ts";
import { PagedArray } from "../../registry/graph/paged-array.ts";
import { type Finding, type FindingKind, type Names, NOTICE_KINDS, PROBLEM_KINDS } from "./verify-report.ts";

/** So many findings of a kind are kept whole, the rest is counted: a store may have lost millions of blobs. */
const KEPT_OF_A_KIND = 1000;
/** So many repositories and tags are named in one finding. */
const NAMES_KEPT = 50;

/** The kinds of which there is at most one for each digest, in however many repositories; with their bits. */
const DIGEST_KINDS = {
  "missing-manifest": 1,
  "missing-blob": 2,
  "wrong-size": 4,
  "wrong-digest": 8,
  "invalid-manifest": 16,
} as const;

/** A kind of finding about what is stored under a digest, wherever that is used. */
export type DigestFindingKind = keyof typeof DIGEST_KINDS;

/** Collects findings, each once, in bounded memory. */
export class FindingLog {
  readonly #table: DigestTable;
  readonly #problemKinds: readonly FindingKind[];
  readonly #noticeKinds: readonly FindingKind[];
  readonly #counts = new Map<FindingKind, number>();
  readonly #kept = new Map<FindingKind, Finding[]>();
  /** The kept ones by digest number. */
  readonly #byDigest = new Map<DigestFindingKind, Map<DigestId, Finding>>();
  /** Bits of the kinds that were counted for a digest. */
  readonly #counted = PagedArray.bytes();

  /** @param options - with `strict`, what only deserves notice is a problem too */
  constructor(table: DigestTable, { strict = false }: { strict?: boolean }) {
    this.#table = table;
    this.#problemKinds = strict ? [...PROBLEM_KINDS, ...NOTICE_KINDS] : PROBLEM_KINDS;
    this.#noticeKinds = strict ? [] : NOTICE_KINDS;
  }

  /**
   * Counts a finding about one file or one place.
   *
   * @returns the finding, to which repositories and tags may be added; undefined if there are too many to keep it
   */
  add(kind: FindingKind, what: { message: string; digest?: Digest; path?: string }): Finding | undefined {
    this.#counts.set(kind, (this.#counts.get(kind) ?? 0) + 1);
    const kept = this.#kept.get(kind) ?? [];
    this.#kept.set(kind, kept);
    if (kept.length >= KEPT_OF_A_KIND) return undefined;
    const finding: Finding = { kind, ...what, repositories: noNames(), tags: noNames() };
    kept.push(finding);
    return finding;
  }

  /** Does the same for what is stored under a digest; the second time it gives the finding of the first time. */
  addForDigest(kind: DigestFindingKind, id: DigestId, message: () => string): Finding | undefined {
    const bit = DIGEST_KINDS[kind];
    const counted = this.#counted.get(id);
    const byId = this.#byDigest.get(kind) ?? new Map<DigestId, Finding>();
    this.#byDigest.set(kind, byId);
    if ((counted & bit) !== 0) return byId.get(id);
    this.#counted.set(id, counted | bit);
    const finding = this.add(kind, { message: message(), digest: this.#table.digestOf(id) });
    if (finding) byId.set(id, finding);
    return finding;
  }

  /** The kept findings about what is stored under a digest. */
  of(id: DigestId): Finding[] {
    return [...this.#byDigest.values()].flatMap((byId) => byId.get(id) ?? []);
  }

  /** How many there are of each kind. */
  counts(): Partial<Record<FindingKind, number>> {
    return Object.fromEntries([...PROBLEM_KINDS, ...NOTICE_KINDS].flatMap((kind) => this.#countOf(kind)));
  }

  /** How many problems there are. */
  problemCount(): number {
    return this.#problemKinds.reduce((sum, kind) => sum + (this.#counts.get(kind) ?? 0), 0);
  }

  problems(): Finding[] {
    return this.#problemKinds.flatMap((kind) => this.#kept.get(kind) ?? []);
  }

  notices(): Finding[] {
    return this.#noticeKinds.flatMap((kind) => this.#kept.get(kind) ?? []);
  }

  #countOf(kind: FindingKind): [FindingKind, number][] {
    const count = this.#counts.get(kind);
    return count === undefined ? [] : [[kind, count]];
  }
}

/** Says of a finding that a repository, and tags of it, suffer from it; once for each repository. */
export function addBroken(finding: Finding, repository: string, tags: Iterable<string>): void {
  addNames(finding.repositories, [repository]);
  addNames(finding.tags, tags, `${repository}:`);
}

function addNames(names: Names, more: Iterable<string>, prefix = ""): void {
  for (const name of more) {
    names.total++;
    if (names.first.length < NAMES_KEPT) names.first.push(prefix + name);
  }
}

function noNames(): Names {
  return { first: [], total: 0 };
}
