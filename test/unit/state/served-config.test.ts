import { execFileSync } from "node:child_process";
import {
  chownSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { keepServedConfig, readServedConfig } from "../../../src/state/served-config.ts";
import { readServerRecords } from "../../../src/state/server-record.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const FILE = "served-config.yml";

describe("the configuration that was served", () => {
  it("is the one that was kept last, in whichever folder", async () => {
    const [one, other] = [await temporaryFolder(), await temporaryFolder()];
    keepServedConfig(one, "one");
    keepServedConfig(other, "other");
    utimesSync(join(one, FILE), 2_000_000_000, 2_000_000_000);
    expect(readServedConfig([one, join(one, "none"), other])).toBe("one");
  });

  it("is not what a link in its place leads to, and what is kept goes into its place", async () => {
    const folder = await temporaryFolder();
    const other = join(folder, "other.yml");
    writeFileSync(other, "secret");
    symlinkSync(other, join(folder, FILE));
    expect(readServedConfig([folder])).toBeUndefined();
    keepServedConfig(folder, "kept");
    expect(readServedConfig([folder])).toBe("kept");
    expect(readFileSync(other, "utf8")).toBe("secret");
  });

  it("is not waited for where a pipe stands in its place", async () => {
    const folder = await temporaryFolder();
    execFileSync("mkfifo", [join(folder, FILE)]);
    expect(readServedConfig([folder])).toBeUndefined();
    keepServedConfig(folder, "kept");
    expect(readServedConfig([folder])).toBe("kept");
  });

  it.runIf(process.getuid?.() === 0)("belongs to the owner of the folder alone", async () => {
    const folder = await temporaryFolder();
    chownSync(folder, 4242, 4242);
    keepServedConfig(folder, "kept");
    const { uid, gid, mode } = statSync(join(folder, FILE));
    expect({ uid, gid, mode: mode & 0o777 }).toEqual({ uid: 4242, gid: 4242, mode: 0o600 });
    rmSync(join(folder, FILE));
  });
});

describe("records of servers", () => {
  it("are none where pipes and links stand in their place", async () => {
    const folder = await temporaryFolder();
    mkdirSync(join(folder, "servers"));
    execFileSync("mkfifo", [join(folder, "servers", "a.json")]);
    symlinkSync("/etc/passwd", join(folder, "servers", "b.json"));
    expect(readServerRecords(folder)).toEqual([]);
  });
});
