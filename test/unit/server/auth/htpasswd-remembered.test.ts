import { beforeEach, describe, expect, it } from "vitest";
import { RememberedLogins } from "../../../../src/server/auth/htpasswd-remembered.ts";

let now: number;
let logins: RememberedLogins;

beforeEach(() => {
  now = 0;
  logins = new RememberedLogins(() => now);
});

function fingerprint(name: string, password: string): string {
  return logins.fingerprint({ name, password: Buffer.from(password) });
}

describe("RememberedLogins", () => {
  it("knows credentials again as long as they are used", () => {
    const alice = fingerprint("alice", "secret");
    logins.add(alice, "hash");
    for (let count = 0; count < 10; count++) {
      now += 4 * 60_000;
      expect(logins.has(alice, "hash")).toBe(true);
    }
    now += 5 * 60_000;
    expect(logins.has(alice, "hash")).toBe(false);
  });

  it("knows nothing when the user has another hash or none", () => {
    const alice = fingerprint("alice", "secret");
    logins.add(alice, "hash");
    expect(logins.has(alice, "another")).toBe(false);
    expect(logins.has(alice, undefined)).toBe(false);
  });

  it("tells credentials apart wherever they are split", () => {
    const all = [
      fingerprint("alice", "secret"),
      fingerprint("alices", "ecret"),
      fingerprint("alice", "Secret"),
      fingerprint("alice", ""),
      fingerprint("", "alicesecret"),
    ];
    expect(new Set(all).size).toBe(all.length);
  });

  it("holds no password, and another process would keep another fingerprint", () => {
    const own = fingerprint("alice", "secret");
    expect(own).not.toContain("secret");
    const others = new RememberedLogins(() => now);
    expect(others.fingerprint({ name: "alice", password: Buffer.from("secret") })).not.toBe(own);
  });
});
