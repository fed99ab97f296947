import { describe, expect, it } from "vitest";
import { hashKindOf } from "../../../../src/lib/htpasswd.ts";
import { readHtpasswdUsers } from "../../../../src/server/auth/htpasswd-users.ts";
import { silentLogger } from "../../../support/silent-logger.ts";

function hash(cost: number): string {
  return `$2y$${String(cost).padStart(2, "0")}$${"a".repeat(53)}`;
}

function read(text: string) {
  return readHtpasswdUsers(Buffer.from(text), "/htpasswd", silentLogger);
}

describe("readHtpasswdUsers", () => {
  it.each([
    ["", 10],
    [`a:${hash(12)}\n`, 12],
    [`a:${hash(5)}\nb:${hash(12)}\nc:${hash(5)}\n`, 5],
    [`a:${hash(5)}\nb:${hash(12)}\n`, 12],
    ["a:{SHA}x\n", 10],
  ])("keeps names that nobody has as busy as most others: %j", (text, cost) => {
    expect(hashKindOf(read(text).dummyHash)).toEqual({ kind: "bcrypt", cost });
  });

  it("does not fall back to an earlier line of a name", () => {
    expect(read(`a:${hash(5)}\na:{SHA}x\n`).hashes.has("a")).toBe(false);
    expect(read(`a:${hash(5)}\na:${hash(6)}\n`).hashes.get("a")).toBe(hash(6));
  });
});
