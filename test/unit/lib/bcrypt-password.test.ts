import { describe, expect, it } from "vitest";
import { hashPassword, matchesHash, passwordProblem } from "../../../src/lib/bcrypt-password.ts";

const COST = 4;

async function matches(password: string, hash: string): Promise<boolean> {
  return matchesHash(Buffer.from(password), hash);
}

describe("hashPassword", () => {
  it("makes hashes as htpasswd does, which match their password alone", async () => {
    const hash = await hashPassword("s:ecrét", COST);
    expect(hash).toMatch(/^\$2y\$04\$[./A-Za-z0-9]{53}$/);
    expect(await matches("s:ecrét", hash)).toBe(true);
    expect(await matches("s:ecret", hash)).toBe(false);
    expect(await matches("", hash)).toBe(false);
  });

  it("makes another one each time", async () => {
    expect(await hashPassword("secret", COST)).not.toBe(await hashPassword("secret", COST));
  });
});

describe("matchesHash", () => {
  it("knows all three names of the algorithm", async () => {
    const hash = (await hashPassword("secret", COST)).slice(4);
    for (const version of ["$2a$", "$2b$", "$2y$"]) {
      expect(await matches("secret", version + hash), version).toBe(true);
      expect(await matches("Secret", version + hash), version).toBe(false);
    }
  });

  it("looks at 72 bytes, so that logins with longer passwords go on working", async () => {
    const hash = await hashPassword("é".repeat(36), COST);
    expect(await matches(`${"é".repeat(36)}more`, hash)).toBe(true);
    expect(await matches("é".repeat(35), hash)).toBe(false);
    for (const length of [255, 256, 300, 600]) {
      const long = `${"é".repeat(36)}${"x".repeat(length - 72)}`;
      expect(await matches(long, hash.replace("$2y$", "$2a$")), `${length}`).toBe(true);
    }
    expect(await matches("x".repeat(256), hash.replace("$2y$", "$2a$"))).toBe(false);
  });

  it("compares bytes that are no UTF-8", async () => {
    const hash = await hashPassword("\u{fffd}", COST);
    expect(await matchesHash(Buffer.from([0xe9]), hash)).toBe(false);
  });
});

describe("passwordProblem", () => {
  it.each(["a", "a:b", "pass word", "é".repeat(36), "x".repeat(72)])("takes %j", (password) => {
    expect(passwordProblem(password)).toBeUndefined();
  });

  it.each(["", "x".repeat(73), "é".repeat(37), "a\0b", "a\nb", "\u007f"])("refuses %j", (password) => {
    expect(passwordProblem(password)).toBeTypeOf("string");
  });
});
