import { describe, expect, test } from "vitest";
import { parseGitLabAddress } from "../../../../src/client/gitlab/gitlab-address.ts";
import { gitLabTokenOf } from "../../../../src/client/gitlab/gitlab-token.ts";
import { nextPageOf } from "../../../../src/client/gitlab/next-page.ts";
import { UsageError } from "../../../../src/errors.ts";

describe("the address of GitLab", () => {
  test.each([
    ["https://gitlab.example", "https://gitlab.example/api/v4/"],
    ["https://gitlab.example/", "https://gitlab.example/api/v4/"],
    ["https://gitlab.example:8443/git//", "https://gitlab.example:8443/git/api/v4/"],
    ["https://gitlab.example/git/api/v4", "https://gitlab.example/git/api/v4/"],
    ["http://localhost:3000", "http://localhost:3000/api/v4/"],
    ["http://127.9.9.9", "http://127.9.9.9/api/v4/"],
    ["http://[::1]:80/x", "http://[::1]/x/api/v4/"],
  ])("%s", (text, expected) => {
    expect(parseGitLabAddress(text).href).toBe(expected);
  });

  test.each([
    ["gitlab.example", /not https/],
    ["ftp://gitlab.example", /not https/],
    ["https://", /not https/],
    ["http://gitlab.example", /no TLS/],
    ["http://localhost.example", /no TLS/],
    ["http://127.0.0.1.example", /no TLS/],
    ["https://root:secret@gitlab.example", /no user and no password/],
    ["https://gitlab.example?private_token=secret", /what follows it is none/],
  ])("%s is refused, and nothing secret of it shown", (text, message) => {
    expect(() => parseGitLabAddress(text)).toThrow(UsageError);
    expect(() => parseGitLabAddress(text)).toThrow(message);
    expect(() => parseGitLabAddress(text)).not.toThrow(/secret/);
  });
});

describe("the token", () => {
  test("of the file counts before that of the environment", () => {
    const env = { GITLAB_TOKEN: "of-env" };
    expect(gitLabTokenOf({ file: { name: "f", text: "of-file\n" }, env })).toBe("of-file");
    expect(gitLabTokenOf({ env })).toBe("of-env");
  });

  test.each([
    ["", /f is empty/],
    [" \n", /f is empty/],
    ["one\ntwo", /what f holds is no token/],
    ["sécret", /what f holds is no token/],
    ["a\u0000b", /what f holds is no token/],
  ])("%j is none", (text, message) => {
    expect(() => gitLabTokenOf({ file: { name: "f", text }, env: {} })).toThrow(message);
  });

  test("of a job is not tried", () => {
    expect(() => gitLabTokenOf({ env: { CI_JOB_TOKEN: "x" } })).toThrow(/CI_JOB_TOKEN cannot/);
    expect(() => gitLabTokenOf({ env: {} })).toThrow("there is no token for GitLab");
  });
});

describe("the link to the next page", () => {
  test.each([
    ['<https://a/b?id_after=42&x=1>; rel="next"', "id_after=42&x=1"],
    ['<https://a/?p=1>; rel="first", <https://a/?p=3>; rel="next", <https://a/?p=9>; rel="last"', "p=3"],
    ["<https://a/?p=1>; rel=prev, <https://a/?p=3>;rel=next", "p=3"],
    ['<https://a/?p=3>; title="x"; rel="nofollow next"', "p=3"],
    ['<https://a/?p=1>; rel="first"', undefined],
    ['<https://a/?p=1>; rel="nextish"', undefined],
    ["next", undefined],
    [undefined, undefined],
  ])("%s", (header, expected) => {
    expect(nextPageOf(header)?.toString()).toBe(expected);
  });
});
