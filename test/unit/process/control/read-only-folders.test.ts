import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { beforeEach, describe, expect, it } from "vitest";
import { ReadOnlyFolders } from "../../../../src/process/control/read-only-folders.ts";
import { restoreKeptReadOnly } from "../../../../src/process/duties/restore-kept.ts";
import type { UndoServerReadOnly } from "../../../../src/state/duty.ts";
import { keepReadOnly, readKeptReadOnly } from "../../../../src/state/read-only-state.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const STATE = { since: "2026-01-02T03:04:05.000Z", reason: "migrate 7 (abc)" };
const never = () => false;

let one: string;
let other: string;
let folders: ReadOnlyFolders;

beforeEach(async () => {
  const folder = await temporaryFolder();
  [one, other] = [join(folder, "one"), join(folder, "other")];
  for (const each of [one, other]) mkdirSync(each);
  folders = new ReadOnlyFolders(one);
  folders.keep(STATE);
});

function undo(before: UndoServerReadOnly["before"]): UndoServerReadOnly {
  return { kind: "server-read-only", socket: "/s", stateFolders: [one], token: STATE.reason, before };
}

function kept(): unknown[] {
  return [one, other].map((folder) => readKeptReadOnly(folder));
}

describe("what is kept of read-only while a server goes to another store", () => {
  it("is in both state folders, whichever the next start reads, until it is taken back", () => {
    folders.carry(STATE, other, never).commit();
    const both = { ...STATE, folders: [one, other] };
    expect(kept()).toEqual([both, both]);
    for (const folder of [one, other]) {
      const next = new ReadOnlyFolders(folder);
      expect(next.read()).toEqual(STATE);
      if (folder === other) next.forget();
    }
    expect(kept()).toEqual([undefined, undefined]);
  });

  it("is as before when nothing comes of it", () => {
    folders.carry(STATE, other, never).takeBack();
    expect(kept()).toEqual([STATE, undefined]);
  });

  it("is the same after going back", () => {
    folders.carry(STATE, other, never).commit();
    folders.carry(STATE, one, never).commit();
    expect(new ReadOnlyFolders(one).read()).toEqual(STATE);
    folders.forget();
    expect(kept()).toEqual([undefined, undefined]);
  });

  it("is in the new store's folder alone when somebody asks anew there", () => {
    folders.carry(STATE, other, never).commit();
    const later = { since: "2026-01-02T04:00:00.000Z", reason: "another" };
    folders.keep(later);
    expect(kept()).toEqual([undefined, later]);
  });

  it("does not take the place of what somebody else has asked for there", () => {
    const theirs = { since: "2025-01-01T00:00:00.000Z", reason: "theirs" };
    keepReadOnly(other, theirs);
    expect(() => folders.carry(STATE, other, never)).toThrow(/kept read-only since 2025.*theirs/);
    expect(kept()).toEqual([STATE, theirs]);
    folders.carry(STATE, other, () => true).commit();
    expect(readKeptReadOnly(other)).toMatchObject(STATE);
  });

  it("is as before when it cannot be written there", () => {
    const missing = join(one, "missing");
    expect(() => folders.carry(STATE, missing, never)).toThrow("ENOENT");
    expect(kept()).toEqual([STATE, undefined]);
  });

  it("is taken back in all of them for a server that was killed, by a duty that knows the first", () => {
    folders.carry(STATE, other, never).commit();
    expect(restoreKeptReadOnly(undo({ on: false }))).toBe(true);
    expect(kept()).toEqual([undefined, undefined]);
    expect(restoreKeptReadOnly(undo({ on: false }))).toBe(false);
  });

  it("goes back to what was before in all of them", () => {
    folders.carry(STATE, other, never).commit();
    expect(restoreKeptReadOnly(undo({ on: true, reason: "moving" }))).toBe(true);
    const before = { since: STATE.since, reason: "moving", folders: [one, other] };
    expect(kept()).toEqual([before, before]);
  });

  it("is not taken back where another reason is kept", () => {
    folders.carry(STATE, other, never).commit();
    keepReadOnly(other, { ...STATE, reason: "theirs" });
    restoreKeptReadOnly(undo({ on: false }));
    expect(kept()).toEqual([undefined, { ...STATE, reason: "theirs" }]);
  });

  it("is damaged where it names no folders", () => {
    for (const value of ["/a", ["a"], [1]])
      expect(() => {
        writeFileSync(join(other, "read-only.json"), JSON.stringify({ ...STATE, folders: value }));
        readKeptReadOnly(other);
      }).toThrow("damaged");
  });
});
