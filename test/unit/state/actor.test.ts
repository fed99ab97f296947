import { describe, expect, it } from "vitest";
import { type Actor, describeActor, namesOf, parseActor } from "../../../src/state/actor.ts";

describe("describeActor", () => {
  it.each<[Actor, string]>([
    [{ uid: 0, user: "root" }, "root"],
    [{ uid: 1001 }, "1001"],
    [{ uid: 0, user: "root", sudoUser: "alice" }, "alice (as root)"],
    [{ uid: 0, user: "root", loginUid: 1000, loginUser: "alice" }, "alice (as root)"],
    [{ uid: 0, user: "root", loginUid: 1000 }, "1000 (as root)"],
    // What the kernel says counts more than a variable.
    [{ uid: 0, user: "root", sudoUser: "mallory", loginUid: 1000, loginUser: "alice" }, "alice (as root)"],
    [{ uid: 0, user: "root", sudoUser: "alice", loginUid: 0, loginUser: "root" }, "alice (as root)"],
    [{ uid: 1000, user: "alice", loginUid: 1000, loginUser: "alice" }, "alice"],
  ])("%j is %s", (actor, text) => expect(describeActor(actor)).toBe(text));
});

describe("namesOf", () => {
  it("has every name and number", () => {
    const actor = { uid: 0, user: "root", sudoUser: "bob", loginUid: 1000, loginUser: "alice" };
    expect(namesOf(actor)).toEqual(["0", "root", "bob", "alice", "1000"]);
    expect(namesOf({ uid: 5 })).toEqual(["5"]);
  });
});

describe("parseActor", () => {
  it("reads what was written, and nothing else", () => {
    const actor = { uid: 0, user: "root", sudoUser: "bob", loginUid: 1000, loginUser: "alice" };
    expect(parseActor(JSON.parse(JSON.stringify(actor)))).toEqual(actor);
    expect(parseActor({ uid: 1, user: 2, loginUid: -1 })).toEqual({ uid: 1 });
    expect(parseActor({ user: "root" })).toBeUndefined();
    expect(parseActor([])).toBeUndefined();
  });
});
