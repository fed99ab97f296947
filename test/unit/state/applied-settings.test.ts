import { chownSync, mkdirSync, mkdtempSync, readdirSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readAppliedSettings, writeAppliedSettings } from "../../../src/state/applied-settings.ts";

let folder: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-applied-"));
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

const EARLIER = { settingsDigest: "a", appliedAt: "2026-03-01T11:00:00.000Z", command: "start" };
const LATER = {
  settingsDigest: "b",
  appliedAt: "2026-03-01T12:00:00.000Z",
  command: "reload",
  configFile: "/etc/r.yml",
};

describe("applied settings", () => {
  it("are those of the last command, in whichever folder", () => {
    const other = join(folder, "other");
    mkdirSync(other);
    writeAppliedSettings(other, LATER);
    writeAppliedSettings(folder, EARLIER);
    expect(readAppliedSettings([folder, join(folder, "none"), other])).toEqual(LATER);
    writeAppliedSettings(other, EARLIER);
    expect(readAppliedSettings([other])).toEqual(EARLIER);
    expect(readdirSync(other)).toEqual(["applied.json"]);
  });

  it.each(["", "{", "[]", '{"schemaVersion":2}', '{"schemaVersion":1,"settingsDigest":7}'])(
    "are not known from %j",
    (text) => {
      writeFileSync(join(folder, "applied.json"), text);
      expect(readAppliedSettings([folder])).toBeUndefined();
    },
  );

  it.runIf(process.getuid?.() === 0)("belong to the owner of the folder, whoever writes them", () => {
    chownSync(folder, 4242, 4242);
    writeAppliedSettings(folder, EARLIER);
    expect(statSync(join(folder, "applied.json"))).toMatchObject({ uid: 4242, gid: 4242 });
    expect(statSync(join(folder, "applied.json")).mode & 0o777).toBe(0o600);
  });
});
