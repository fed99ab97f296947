import { describe, expect, test } from "vitest";
import type { GitLabPolicy, GitLabProject } from "../../../../src/client/gitlab/gitlab-project.ts";
import type { PolicyChange } from "../../../../src/client/gitlab/policy-change.ts";
import { planPolicies } from "../../../../src/operations/cleanup/gitlab/set-policies.ts";

const POLICY: GitLabPolicy = {
  ...{ enabled: true, cadence: "7d", keepN: 5, olderThan: "14d" },
  ...{ nameRegexDelete: ".*", nameRegexKeep: null, nextRunAt: null },
};

function project(path: string, more: Partial<GitLabProject> = {}): GitLabProject {
  return {
    id: path.length,
    path,
    creatorId: 1,
    isArchived: false,
    hasRegistry: true,
    policy: POLICY,
    ...more,
  };
}

function plan(
  change: PolicyChange,
  projects: GitLabProject[],
  options: { isNamed?: boolean; onlyWithout?: boolean } = {},
) {
  return planPolicies(projects, change, { isNamed: false, onlyWithout: false, ...options });
}

describe("planning policies", () => {
  test.each<[string, PolicyChange, [string, unknown, unknown][]]>([
    ["the same", { enabled: true, keepN: 5, olderThan: "14d", nameRegexDelete: ".*" }, []],
    ["an empty pattern in the place of none", { nameRegexKeep: "" }, []],
    ["switching off", { enabled: false }, [["enabled", true, false]]],
    ["no number", { keepN: null }, [["keep_n", 5, null]]],
    ["no age", { olderThan: null }, [["older_than", "14d", null]]],
    ["another pattern", { nameRegexDelete: "x" }, [["name_regex_delete", ".*", "x"]]],
    ["no pattern", { nameRegexDelete: "" }, [["name_regex_delete", ".*", ""]]],
  ])("%s", (_name, change, expected) => {
    const { changes, unchanged } = plan(change, [project("a/b")]);
    expect(
      changes.flatMap(({ differences }) =>
        differences.map(({ name, before, after }) => [name, before, after]),
      ),
    ).toEqual(expected);
    expect(unchanged).toEqual(expected.length === 0 ? ["a/b"] : []);
  });

  test("a project without a policy always needs one, even one that is off", () => {
    const { changes } = plan({ enabled: false }, [project("a/b", { policy: undefined })]);
    expect(changes).toEqual([
      {
        project: "a/b",
        id: 3,
        isNew: true,
        differences: [{ name: "enabled", before: undefined, after: false }],
      },
    ]);
  });

  test("what is archived or has no registry is left out unless it is named", () => {
    const projects = [
      project("a/b", { isArchived: true }),
      project("a/c", { hasRegistry: false }),
      project("a/d", { hasRegistry: undefined }),
    ];
    expect(plan({ enabled: false }, projects)).toMatchObject({
      changes: [{ project: "a/d" }],
      skipped: [{ project: "a/b" }, { project: "a/c" }],
    });
    expect(plan({ enabled: false }, projects, { isNamed: true })).toMatchObject({
      skipped: [],
      changes: [{}, {}, {}],
    });
  });

  test("warnings are of the policy as it will be, and only where it changes", () => {
    const broad = { ...POLICY, enabled: false, nameRegexKeep: "main|prod" };
    const projects = [project("a/b", { policy: broad }), project("a/c", { policy: broad }), project("a/d")];
    expect(plan({ enabled: true }, projects).warnings).toEqual([
      expect.stringMatching(/^in 2 projects: name_regex_keep "main\|prod" has \| outside a group/),
    ]);
    expect(plan({ enabled: true, nameRegexDelete: "" }, projects).warnings).toContainEqual(
      expect.stringMatching(/^in 3 projects: without name_regex_delete no tag is deleted/),
    );
    expect(plan({ keepN: null, olderThan: null }, projects).warnings).toEqual([
      expect.stringMatching(/^in 1 project: without keep_n and older_than/),
    ]);
  });
});
