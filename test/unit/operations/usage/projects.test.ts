import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { UsageError } from "../../../../src/errors.ts";
import { parseProjectList } from "../../../../src/operations/usage/parse-project-list.ts";
import { type KnownProject, ProjectDirectory } from "../../../../src/operations/usage/projects.ts";

const known = (path: string): KnownProject => ({ path, id: undefined, creatorId: undefined });

describe("the project of a repository", () => {
  const directory = new ProjectDirectory(
    ["Group/App", "group/app/deep", "group/app-two", "a/b/c/d"].map(known),
  );

  test.each([
    ["group/app", "Group/App"],
    ["group/app/image", "Group/App"],
    ["group/app/my/deeper/image", "Group/App"],
    ["group/app/deep", "group/app/deep"],
    ["group/app/deep/x", "group/app/deep"],
    ["group/app/deeper", "Group/App"],
    ["group/app-two/x", "group/app-two"],
    ["a/b/c/d/e", "a/b/c/d"],
    ["a/b/c", undefined],
    ["group", undefined],
    ["group/application", undefined],
    ["", undefined],
  ])("%s", (repository, expected) => {
    expect(directory.ownerOf(repository)?.path).toBe(expected);
  });

  test("is the longest of all that contain it", () => {
    const name = fc
      .array(fc.constantFrom("a", "b", "ab"), { minLength: 1, maxLength: 5 })
      .map((parts) => parts.join("/"));
    fc.assert(
      fc.property(fc.array(name, { maxLength: 12 }), name, (paths, repository) => {
        const containing = paths.filter((path) => `${repository}/`.startsWith(`${path}/`));
        const longest = containing.toSorted((a, b) => b.length - a.length)[0];
        expect(new ProjectDirectory(paths.map(known)).ownerOf(repository)?.path).toBe(longest);
      }),
    );
  });
});

describe("a list of projects in a file", () => {
  test("is a path a line, with ids where they are known", () => {
    const text = "\uFEFF# ours\ngroup/app\r\n\n  Group/Sub/Other,17 \nlone/one,3,4 # the first\ntwo/x,,9";
    expect(parseProjectList(text, "f")).toEqual([
      { path: "group/app", id: undefined, creatorId: undefined },
      { path: "Group/Sub/Other", id: 17, creatorId: undefined },
      { path: "lone/one", id: 3, creatorId: 4 },
      { path: "two/x", id: undefined, creatorId: 9 },
    ]);
  });

  test.each([
    ["ok/one\n/bad", 'f:2: "/bad" is no path'],
    ["*/x", "f:1:"],
    ["ok/one,x", 'f:1: "x" is no id'],
    ["ok/one,0", 'f:1: "0" is no id'],
    ["ok/one,1,2,3", "f:1: more than"],
    ["ok/one\n\nOK/One", "f:3: the same project as in line 1"],
  ])("%j is refused", (text, message) => {
    expect(() => parseProjectList(text, "f")).toThrow(UsageError);
    expect(() => parseProjectList(text, "f")).toThrow(message);
  });
});
