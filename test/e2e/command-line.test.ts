import { mkdtemp } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";

const SCRIPT = resolve("bin/registry-ctl.js");

/** Runs it in a folder that is removed before it begins: by the shell, which must have started in it. */
async function runInRemovedFolder(args: string) {
  const folder = await mkdtemp(join(tmpdir(), "removed-folder-"));
  const script = `rmdir "$2" && exec "$0" "$1" ${args}`;
  return execa("sh", ["-c", script, process.execPath, SCRIPT, folder], { cwd: folder, reject: false });
}

describe("in a folder that has been removed", () => {
  it("still tells its version", async () => {
    const { exitCode, stdout, stderr } = await runInRemovedFolder("--version");
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    expect(stdout).toMatch(/^\d+\.\d+\.\d+$/);
  });

  it("says so, as a mistake of usage", async () => {
    const { exitCode, stdout, stderr } = await runInRemovedFolder("config show");
    expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
    expect(stderr).toBe("error: the working folder does not exist any more\nhint: go to another one");
  });
});
