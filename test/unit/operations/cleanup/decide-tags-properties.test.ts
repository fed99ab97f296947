import fc from "fast-check";
import { expect, it } from "vitest";
import type { CleanupStep } from "../../../../src/operations/cleanup/decide-tags.ts";
import { CASE_NOW, type CleanupCase, createdMs, decideCase } from "../../../support/cleanup-case.ts";

const NOW_MS = Date.parse(CASE_NOW);
const DAY_MS = 86_400_000;
const SPANS = { "7d": 7, "14d": 14, "30d": 30, "90d": 90, "1month": 30 } as const;

/** Patterns beside what they match, said in another way: the program's own expressions are not asked. */
const PATTERNS: readonly { text: string | undefined; matches: (name: string) => boolean }[] = [
  { text: undefined, matches: () => false },
  { text: "", matches: () => false },
  { text: ".*", matches: () => true },
  {
    text: "v\\d+",
    matches: (name) =>
      name[0] === "v" && name.length > 1 && [...name.slice(1)].every((c) => "0123456789".includes(c)),
  },
  { text: "a.*", matches: (name) => name[0] === "a" },
  { text: "ab|ba", matches: (name) => name.startsWith("ab") || name.endsWith("ba") },
  { text: "a|1|b", matches: (name) => name.startsWith("a") || name.includes("1") || name.endsWith("b") },
  { text: "(?:a|b)", matches: (name) => name === "a" || name === "b" },
];

const tagName = fc.oneof(
  { weight: 1, arbitrary: fc.constant("latest") },
  { weight: 8, arbitrary: fc.stringMatching(/^[abv12]{1,4}$/) },
);
const tag = fc.oneof(
  { weight: 6, arbitrary: fc.integer({ min: -2, max: 100 }) },
  { weight: 1, arbitrary: fc.constant("none") },
  { weight: 1, arbitrary: fc.constant("no manifest") },
);
const repository = fc.record({
  tags: fc.dictionary(tagName, tag, { maxKeys: 14 }),
  deletes: fc.constantFrom(...PATTERNS),
  keeps: fc.constantFrom(...PATTERNS),
  keepN: fc.option(fc.integer({ min: 0, max: 6 }), { nil: undefined }),
  olderThan: fc.option(fc.constantFrom("7d", "14d", "30d", "90d", "1month"), { nil: undefined }),
  maxListSize: fc.integer({ min: 0, max: 6 }),
  continueAfter: fc.option(tagName, { nil: undefined }),
  pinned: fc.array(tagName, { maxLength: 3 }),
});

type Repository = typeof repository extends fc.Arbitrary<infer T> ? T : never;

/** Each step's own claim about a tag, from the definition and as slowly as one likes; all steps before it have let the tag pass. */
function claims(given: Repository, name: string): Record<Exclude<CleanupStep, "delete">, boolean> {
  const { tags, deletes, keeps, keepN, olderThan, maxListSize, continueAfter, pinned } = given;
  const date = (each: string): number => createdMs(tags[each], NOW_MS) ?? NOW_MS;
  const passesNames = (each: string): boolean =>
    each !== "latest" && deletes.matches(each) && !keeps.matches(each);
  const listed = Object.keys(tags).filter(passesNames).sort();
  const size = maxListSize === 0 ? listed.length : maxListSize + (keepN ?? 0);
  /** How many names stand between the place where the list begins and this one. */
  const turn = (each: string): number => {
    const isAhead = (other: string): boolean => continueAfter === undefined || other > continueAfter;
    const before = (other: string): boolean =>
      isAhead(other) === isAhead(each) ? other < each : isAhead(other);
    return listed.filter(before).length;
  };
  const isListed = (each: string): boolean =>
    listed.includes(each) && (listed.length <= size || turn(each) < size);
  const competes = (each: string): boolean => isListed(each) && tags[each] !== "no manifest";
  const isNewer = (other: string): boolean =>
    date(other) > date(name) || (date(other) === date(name) && other > name);
  const created = createdMs(tags[name], NOW_MS);
  return {
    latest: name === "latest",
    name_regex_delete: !deletes.matches(name),
    name_regex_keep: keeps.matches(name),
    max_list_size: !isListed(name),
    no_manifest: tags[name] === "no manifest",
    keep_n: Object.keys(tags).filter((other) => competes(other) && isNewer(other)).length < (keepN ?? 0),
    older_than:
      olderThan !== undefined && (created === undefined || NOW_MS - created <= SPANS[olderThan] * DAY_MS),
    protected: pinned.includes(name),
  };
}

const ORDER = [
  "latest",
  "name_regex_delete",
  "name_regex_keep",
  "max_list_size",
  "no_manifest",
  "keep_n",
  "older_than",
  "protected",
] as const;

function caseOf(given: Repository): CleanupCase {
  const { tags, deletes, keeps, keepN, olderThan, maxListSize, continueAfter, pinned } = given;
  return {
    tags,
    policy: { nameRegexDelete: deletes.text, nameRegexKeep: keeps.text, keepN, olderThan },
    maxListSize,
    ...(continueAfter === undefined ? {} : { continueAfter }),
    protectedTags: pinned,
  };
}

it("deletes exactly what passes every step, and keeps what fails at the step it names and passes those before", () => {
  let deletions = 0;
  const seen = new Set<CleanupStep>();
  fc.assert(
    fc.property(repository, (given) => {
      const { steps } = decideCase(caseOf(given));
      expect([...steps.keys()].sort()).toEqual(Object.keys(given.tags).sort());
      for (const [name, step] of steps) {
        const claimed = claims(given, name);
        const first = ORDER.find((each) => claimed[each]);
        expect(step, `${name} of ${JSON.stringify(given)}`).toBe(first ?? "delete");
        seen.add(step);
        if (step === "delete") deletions++;
      }
    }),
    { numRuns: 3000 },
  );
  expect(deletions).toBeGreaterThan(100);
  expect([...seen].sort()).toEqual([...ORDER, "delete"].sort());
});

it("never deletes what keep_n of the whole list would keep, wherever the list is cut", () => {
  fc.assert(
    fc.property(repository, (given) => {
      const whole = decideCase(caseOf({ ...given, maxListSize: 0 }));
      const cut = decideCase(caseOf(given));
      for (const name of cut.deleted) expect(whole.steps.get(name)).toBe("delete");
    }),
    { numRuns: 1000 },
  );
});

it("comes, run by run, to what a run without a limit leaves, when there is no keep_n", () => {
  fc.assert(
    fc.property(repository, fc.integer({ min: 1, max: 3 }), (given, maxListSize) => {
      const whole = decideCase(caseOf({ ...given, keepN: undefined, maxListSize: 0 }));
      let { tags, continueAfter }: Pick<Repository, "tags" | "continueAfter"> = {
        ...given,
        continueAfter: undefined,
      };
      const gone: string[] = [];
      for (let run = 0; run < 40; run++) {
        const step = decideCase(caseOf({ ...given, tags, keepN: undefined, maxListSize, continueAfter }));
        gone.push(...step.deleted);
        tags = Object.fromEntries(Object.entries(tags).filter(([name]) => !step.deleted.includes(name)));
        continueAfter = step.continueAfter;
        if (continueAfter === undefined) break;
      }
      expect(continueAfter).toBeUndefined();
      expect(gone.sort()).toEqual(whole.deleted);
    }),
    { numRuns: 500 },
  );
});
