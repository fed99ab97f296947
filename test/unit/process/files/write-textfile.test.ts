import { execFileSync } from "node:child_process";
import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { writeTextfile } from "../../../../src/process/files/write-textfile.ts";
import { describeAsRoot } from "../../../support/programs.ts";

describeAsRoot("writeTextfile on a disk with room for a part of it", () => {
  it("fails, leaves the earlier file as it was, and nothing else", () => {
    const folder = mkdtempSync(join(tmpdir(), "registry-ctl-textfile-"));
    execFileSync("mount", ["-t", "tmpfs", "-o", "size=12k", "tmpfs", folder]);
    onTestFinished(() => {
      execFileSync("umount", ["-l", folder]);
      rmSync(folder, { recursive: true });
    });
    const path = join(folder, "gc.prom");
    writeFileSync(path, "earlier");
    expect(() => writeTextfile(path, "x".repeat(16_384))).toThrow(/ENOSPC/);
    expect(readdirSync(folder)).toEqual(["gc.prom"]);
    expect(readFileSync(path, "utf8")).toBe("earlier");
  });
});
