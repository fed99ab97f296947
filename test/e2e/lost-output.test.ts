import { createHash } from "node:crypto";
import { existsSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { beforeEach, describe, expect, it } from "vitest";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { startReadOnlyRegistry } from "../support/read-only-registry.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { cleanEnvironment } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A dry run prints more of them than a pipe holds. */
const ORPHANS = 2500;

let orphans: string[];
let command: string;

/** A store with many blobs that nobody needs, and how it is collected. */
beforeEach(async () => {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "registry");
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
  await tree.repository("app").image("one", ["a"], { tag: "v1" });
  orphans = Array.from({ length: ORPHANS }, (_, index) => {
    const hex = createHash("sha256").update(String(index)).digest("hex");
    return join(rootDirectory, "docker/registry/v2/blobs/sha256", hex.slice(0, 2), hex, "data");
  });
  await Promise.all(
    orphans.map(async (path, index) => {
      await mkdir(join(path, ".."), { recursive: true });
      await writeFile(path, String(index));
    }),
  );
  const registry = await startReadOnlyRegistry();
  const config = await writeServeConfig({ rootDirectory, port: registry.port });
  command = `"${process.execPath}" "${REGISTRY_CTL_PATH}" garbage-collect --grace 0s --state-dir "${join(folder, "state")}" "${config}"`;
  return () => registry.close();
});

describe("output that nobody takes", () => {
  it("of a dry run is no error: its reader has seen enough", async () => {
    const { stderr, stdout } = await shell(`{ ${command} --dry-run; echo "exit $?" >&2; } | head -n 1`);
    expect(stdout).toContain("frees");
    expect(stderr).toMatch(/\nexit 0$/);
    expect(stderr).not.toContain("error");
  });

  it.each(["--dry-run", "--dry-run --json"])("of %s is told as lost on a full disk", async (flags) => {
    const { exitCode, stderr } = await shell(`${command} ${flags} > /dev/full`);
    expect(exitCode).toBe(1);
    expect(stderr).toContain("the result could not be written: ENOSPC");
    expect(stderr).not.toContain("Node.js");
  });

  it("of a collection does not stop it, though its log be on the full disk", async () => {
    const { exitCode, stdout } = await shell(`${command} 2> /dev/full`);
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`deleted: ${ORPHANS} blobs`);
    expect(orphans.filter((path) => existsSync(path))).toEqual([]);
  });
});

async function shell(
  line: string,
): Promise<{ stdout: string; stderr: string; exitCode: number | undefined }> {
  const { stdout, stderr, exitCode } = await execa("sh", ["-c", line], {
    env: cleanEnvironment(),
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });
  return { stdout, stderr, exitCode };
}
