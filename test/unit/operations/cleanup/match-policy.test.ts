import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isOfProject, matchPolicy } from "../../../../src/operations/cleanup/match-policy.ts";
import type { ProjectPolicy } from "../../../../src/operations/cleanup/policy.ts";

function entries(...projects: string[]): ProjectPolicy[] {
  const policy = {
    enabled: true,
    cadence: "1d" as const,
    keepN: undefined,
    olderThan: undefined,
    nameRegexDelete: undefined,
    nameRegexKeep: undefined,
  };
  return projects.map((project, index) => ({ project, policy, origin: `${index}` }));
}

function matched(projects: string[], repository: string): [string, string] | undefined {
  const found = matchPolicy(entries(...projects), repository);
  return found && [found.entry.project, found.project];
}

describe("the policy of a repository", () => {
  it.each([
    [["a/b"], "a/b", ["a/b", "a/b"]],
    [["a/b"], "a/b/c/d", ["a/b", "a/b"]],
    [["a/b"], "a/bc", undefined],
    [["a/b"], "a", undefined],
    [["*"], "a/b/c", ["*", "a"]],
    [["a/*"], "a/b/c", ["a/*", "a/b"]],
    [["a/*"], "a", undefined],
    [["*/b"], "x/b/c", ["*/b", "x/b"]],
    [["a/x-*-y"], "a/x-1-y", ["a/x-*-y", "a/x-1-y"]],
    [["a/x-*-y"], "a/x-y", undefined],
    [["a/*b*c*"], "a/xbxcx", ["a/*b*c*", "a/xbxcx"]],
    [["a/*b*c*"], "a/xcxbx", undefined],
    [["*", "a/*", "a/b"], "a/b", ["a/b", "a/b"]],
    [["a/b", "a/*", "*"], "a/c", ["a/*", "a/c"]],
    [["a/b", "a/b/c"], "a/b/c/d", ["a/b/c", "a/b/c"]],
    [["a/*", "a/b*"], "a/bc", ["a/b*", "a/bc"]],
    [["a/*c", "a/b*"], "a/bc", ["a/*c", "a/bc"]],
    [[], "a", undefined],
  ])("of %j, for %j, is %j", (projects, repository, expected) => {
    expect(matched(projects, repository)).toEqual(expected);
  });

  it("does not depend on the order unless two are as specific", () => {
    const projects = ["*", "a/*", "a/b*", "a/bc", "a/bc/d"];
    fc.assert(
      fc.property(fc.shuffledSubarray(projects, { minLength: 5 }), (shuffled) => {
        expect(matched(shuffled, "a/bc/d/e")?.[0]).toBe("a/bc/d");
        expect(matched(shuffled, "a/bc/x")?.[0]).toBe("a/bc");
        expect(matched(shuffled, "a/bd")?.[0]).toBe("a/b*");
        expect(matched(shuffled, "a/x")?.[0]).toBe("a/*");
        expect(matched(shuffled, "x")?.[0]).toBe("*");
      }),
    );
  });

  it("fits * as an ordinary expression would", () => {
    const text = fc.stringMatching(/^[ab]{1,6}$/);
    fc.assert(
      fc.property(fc.stringMatching(/^[ab*]{1,5}$/), text, (pattern, name) => {
        const plain = new RegExp(`^${pattern.replaceAll("*", ".*")}$`);
        expect(matched([pattern], name) !== undefined).toBe(plain.test(name));
      }),
    );
  });
});

it("tells what belongs to a project", () => {
  expect(isOfProject("a/b", "a/b")).toBe(true);
  expect(isOfProject("a/b/c", "a/b")).toBe(true);
  expect(isOfProject("a/bc", "a/b")).toBe(false);
});
