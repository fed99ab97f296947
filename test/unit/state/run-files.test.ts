import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, rmSync, statSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readRunFile, writeRunFile } from "../../../src/state/run-files.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-run-"));
});
afterEach(() => rmSync(folder, { recursive: true }));

describe("run files", () => {
  it("are replaced as a whole, for their owner alone, in a folder that is made", () => {
    const path = join(folder, "runs", "run.json");
    writeRunFile(path, { a: 1 });
    writeRunFile(path, { b: 2 });
    expect(readRunFile(path)).toEqual({ b: 2 });
    expect(statSync(path).mode & 0o777).toBe(0o600);
    expect(readdirSync(join(folder, "runs"))).toEqual(["run.json"]);
  });

  it("leave nothing behind that could not be put in place", () => {
    const path = join(folder, "run.json");
    writeRunFile(join(path, "in-the-way"), {});
    expect(() => writeRunFile(path, {})).toThrow();
    expect(readdirSync(folder)).toEqual(["run.json"]);
  });

  it("tell nothing if they are missing, and that they are damaged if they are torn, a link, a folder or a pipe", () => {
    const path = join(folder, "run.json");
    expect(readRunFile(path)).toBeUndefined();
    writeFileSync(path, '{"torn":');
    expect(readRunFile(path)).toBeNull();
    symlinkSync("/etc/hostname", join(folder, "link"));
    expect(readRunFile(join(folder, "link"))).toBeNull();
    expect(readRunFile(folder)).toBeNull();
    execFileSync("mkfifo", [join(folder, "pipe")]);
    expect(readRunFile(join(folder, "pipe"))).toBeNull();
  });
});
