import type { KeyObject } from "node:crypto";
import { beforeAll, describe, expect, it } from "vitest";
import type { VerifiedToken } from "../../../../src/server/auth/token-verifier.ts";
import type { TrustedKeys } from "../../../../src/server/auth/trusted-keys.ts";
import { certify, makeKey, signToken } from "../../../support/token-authority.ts";
import { expectRefused, pullClaims, trust, verify as verifyWith } from "../../../support/verified-tokens.ts";

let key: KeyObject;
let trusted: TrustedKeys;

beforeAll(async () => {
  key = makeKey();
  trusted = trust([await certify({ key })]);
});

const verify = (token: string) => verifyWith(token, trusted);
const may = (verified: VerifiedToken, action: "pull" | "push", name = "group/project") =>
  verified.access.allows({ type: "repository", name, action });

describe("what a token allows", () => {
  const withAccess = async (access: unknown) => verify(await signToken(key, { ...pullClaims(), access }));

  it("is the sum of its entries", async () => {
    const verified = await withAccess([
      { type: "repository", name: "group/project", actions: ["pull"], meta: { project_id: 5 } },
      { type: "repository", name: "group/project", actions: ["push"] },
      { type: "repository", name: "group/other", actions: ["pull"], class: "image" },
    ]);
    expect([may(verified, "pull"), may(verified, "push"), may(verified, "pull", "group/other")]).toEqual([
      true,
      true,
      true,
    ]);
    expect(may(verified, "push", "group/other")).toBe(false);
  });

  it("is every action where it says *", async () => {
    const verified = await withAccess([{ type: "repository", name: "a", actions: ["*"] }]);
    expect([may(verified, "push", "a"), may(verified, "push", "a/b"), may(verified, "pull", "b")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    { type: "repository", name: "*", actions: ["pull"] },
    { type: "repository", name: "group/*", actions: ["pull"] },
    { type: "repository(plugin)", name: "group/project", actions: ["pull"] },
    { type: "Repository", name: "group/project", actions: ["pull"] },
    { type: "repository", name: "group/project/", actions: ["pull"] },
    { type: "repository", name: "Group/Project", actions: ["pull"] },
    { type: "repository", name: "group/project", actions: ["Pull", "pull ", ""] },
    { type: "registry", name: "group/project", actions: ["pull"] },
    { type: "repository", actions: ["pull"] },
    { name: "group/project", actions: ["pull"] },
    { type: "repository", name: "group/project" },
    { type: null, name: null, actions: null },
  ])("is not a pull of group/project by %j", async (entry) => {
    expect(may(await withAccess([entry]), "pull")).toBe(false);
  });

  it.each([null, undefined, []])("is nothing with the claim access %j", async (access) => {
    expect(may(await withAccess(access), "pull")).toBe(false);
  });

  it.each([
    "repository:group/project:pull",
    5,
    {},
    [null],
    ["a"],
    [[]],
    [{ type: 5 }],
    [{ type: "repository", name: ["a"] }],
    [{ type: "repository", name: "a", actions: "pull" }],
    [{ type: "repository", name: "a", actions: [5] }],
    [{ type: "repository", name: "a", actions: { 0: "pull" } }],
  ])("cannot be read in %j", async (access) => {
    await expect(withAccess(access)).rejects.toMatchObject({
      name: "TokenRefused",
      message: expect.stringMatching(/^claim (access|type|name|actions) /),
    });
  });

  it.each([[5], [{}], [["alice"]]])("is for nobody who is called %j", async (sub) => {
    const token = await signToken(key, pullClaims({ sub }));
    await expectRefused(token, "claim sub holds something else than text", trusted);
  });

  it.each([[null], [undefined]])("may be for somebody without a name: %j", async (sub) => {
    expect((await verify(await signToken(key, pullClaims({ sub })))).user).toBe("");
  });
});
