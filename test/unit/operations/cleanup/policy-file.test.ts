import { describe, expect, it } from "vitest";
import type { GitLabPolicy } from "../../../../src/client/gitlab/gitlab-project.ts";
import { ConfigError } from "../../../../src/errors.ts";
import { planPolicies } from "../../../../src/operations/cleanup/gitlab/set-policies.ts";
import { parsePolicyFile } from "../../../../src/operations/cleanup/policy-file.ts";

const FILE = "policies.yml";

function messageOf(text: string): string {
  try {
    parsePolicyFile(text, FILE);
  } catch (error) {
    if (error instanceof ConfigError) return error.message;
    throw error;
  }
  throw new Error("it was taken");
}

it("reads everything that a file may say", () => {
  const text = `
limits:
  worker_capacity: 2
  delete_tags_service_timeout: 250
  max_list_size: 200
policies:
  group/project:
    enabled: no
    cadence: 3month
    keep_n: 7
    older_than: 90d
    name_regex_delete: '.*'
    name_regex_keep: "v.+"
  "*": { name_regex_delete: x, keep_n: 1 }
`;
  expect(parsePolicyFile(text, FILE)).toEqual({
    limits: { workerCapacity: 2, deleteTagsServiceTimeout: 250, maxListSize: 200 },
    policies: [
      {
        project: "group/project",
        origin: "policies.yml:7:3",
        policy: {
          enabled: false,
          cadence: "3month",
          keepN: 7,
          olderThan: "90d",
          nameRegexDelete: ".*",
          nameRegexKeep: "v.+",
        },
      },
      {
        project: "*",
        origin: "policies.yml:14:3",
        policy: {
          enabled: true,
          cadence: "1d",
          keepN: 1,
          olderThan: undefined,
          nameRegexDelete: "x",
          nameRegexKeep: undefined,
        },
      },
    ],
    warnings: [],
  });
});

it("takes an empty value for one that is not set", () => {
  const text =
    "policies:\n  a:\n    name_regex_delete: x\n    keep_n: ~\n    older_than:\n    name_regex_keep: null\n";
  const [entry] = parsePolicyFile(text, FILE).policies;
  expect(entry?.policy).toMatchObject({ keepN: undefined, olderThan: undefined, nameRegexKeep: undefined });
});

it("keeps a pattern that reads like a number or a boolean", () => {
  const text = "policies:\n  a: { name_regex_delete: 1.0, name_regex_keep: on, keep_n: 1 }\n";
  const [entry] = parsePolicyFile(text, FILE).policies;
  expect(entry?.policy).toMatchObject({ nameRegexDelete: "1.0", nameRegexKeep: "on" });
});

describe("what is wrong", () => {
  it.each([
    [
      "policies:\n  a:\n    keepn: 1\n",
      "policies.yml:3:5: there is no key policies.a.keepn; did you mean keep_n?",
    ],
    [
      "policies:\n  a:\n    name_regex: x\n",
      "policies.yml:3:5: there is no key policies.a.name_regex; did you mean",
    ],
    ["policy:\n  a: {}\n", "policies.yml:1:1: there is no key policy; there are limits, policies"],
    [
      "limits: { worker_capcity: 1 }\npolicies: { a: {} }\n",
      "1:11: there is no key limits.worker_capcity; did you mean worker_capacity?",
    ],
    [
      "limits: { worker_capacity: 0 }\npolicies: { a: {} }\n",
      "limits.worker_capacity must be a whole number, 1 or more",
    ],
    [
      "limits: { max_list_size: -1 }\npolicies: { a: {} }\n",
      "limits.max_list_size must be a whole number, 0 or more",
    ],
    [
      "policies:\n  a:\n    cadence: 2d\n",
      "3:14: policies.a.cadence must be one of 1d, 7d, 14d, 1month, 3month",
    ],
    ["policies:\n  a:\n    keep_n: many\n", "3:13: policies.a.keep_n must be a whole number"],
    ["policies:\n  a:\n    older_than: 90\n", "3:17: policies.a.older_than must be a time such as 7d"],
    ["policies:\n  a:\n    enabled: perhaps\n", "3:14: policies.a.enabled must be true or false"],
    [
      "policies:\n  a:\n    name_regex_delete: [x]\n",
      "3:24: policies.a.name_regex_delete must be a regular expression",
    ],
    ["policies:\n  A/b: {}\n", '2:3: "A/b" cannot be the name of a repository: it is in lower case'],
    ["policies:\n  a//b: {}\n", '2:3: "a//b" cannot be the name of a repository'],
    ["policies:\n  a: 1\n", "2:6: policies.a must be a mapping with keys"],
    ["policies: []\n", "policies must be a mapping with keys"],
    ["policies: {}\n", "there are no policies"],
    ["", "there are no policies"],
    ["- a\n", "a file of policies must be a mapping with keys"],
    ["policies:\n  *: {}\n", "policies.yml:2:6: the YAML is broken"],
    ["policies:\n  a: {}\n  a: {}\n", "policies.yml:3:3: policies.a stands here a second time"],
  ])("%j", (text, expected) => {
    expect(messageOf(text)).toContain(expected);
  });

  it("is told all at once, in the order of the file", () => {
    const lines = messageOf("policies:\n  a:\n    keep_n: x\n    cadence: y\n  b:\n    enabled: z\n").split(
      "\n",
    );
    expect(lines.map((line) => /:(\d+):\d+: /.exec(line)?.[1])).toEqual(["3", "4", "6"]);
  });
});

describe("a pattern that is none", () => {
  it.each([
    ["plain", "    name_regex_delete: ab(c\n", 26],
    ["in single quotes", "    name_regex_delete: 'a''b(c'\n", 29],
    ["in double quotes", '    name_regex_delete: "\\\\d\\x41(c"\n', 32],
    ["in a block", "    name_regex_delete: |-\n      ab(c\n", 24],
  ])("%s is shown where it is wrong", (_how, line, column) => {
    const message = messageOf(`policies:\n  a:\n${line}`);
    expect(message).toContain(
      `policies.yml:3:${column}: policies.a.name_regex_delete is an invalid regular expression`,
    );
    expect(message).toContain("missing closing ) at character");
  });

  it("is told to be no RE2 where it looks ahead", () => {
    expect(messageOf("policies:\n  a:\n    name_regex_keep: '(?!v).*'\n")).toContain("look-ahead");
  });
});

describe("what may surprise", () => {
  it.each([
    [
      "name_regex_delete: main|prod, keep_n: 1",
      'policies.yml:2:27: policies.a.name_regex_delete "main|prod" has | outside a group',
    ],
    ["keep_n: 1", "policies.yml:2:3: policies.a: without name_regex_delete no tag is deleted"],
    ["name_regex_delete: '', keep_n: 1", "policies.a: without name_regex_delete no tag"],
    ["name_regex_delete: .*", "policies.a: without keep_n and older_than every tag"],
    ["name_regex_delete: .*, keep_n: 0", "policies.a: without keep_n and older_than every tag"],
  ])("%s", (keys, expected) => {
    const { warnings } = parsePolicyFile(`policies:\n  a: { ${keys} }\n`, FILE);
    expect(warnings).toHaveLength(1);
    expect(warnings[0]).toContain(expected);
  });

  it("is said with the same words of a policy in a file and of one of GitLab's", () => {
    const { warnings } = parsePolicyFile(
      "policies:\n  a: { name_regex_delete: a|b, name_regex_keep: c|d }\n",
      FILE,
    );
    const same: GitLabPolicy = {
      ...{ enabled: true, cadence: "1d", keepN: null, olderThan: null, nextRunAt: null },
      ...{ nameRegexDelete: "a|b", nameRegexKeep: "c|d" },
    };
    const project = {
      ...{ id: 1, path: "a", creatorId: 1, isArchived: false, hasRegistry: true },
      policy: undefined,
    };
    const plan = planPolicies([project], same, { isNamed: true, onlyWithout: false });
    const bare = (warning: string): string => warning.replace(/^.*?(?=name_regex|without)/, "");
    expect(warnings.map(bare).sort()).toEqual(plan.warnings.map(bare).sort());
    expect(warnings).toHaveLength(3);
  });

  it("says nothing of a policy that is switched off", () => {
    expect(
      parsePolicyFile("policies:\n  a: { enabled: false, name_regex_keep: a|b }\n", FILE).warnings,
    ).toEqual([]);
  });
});
