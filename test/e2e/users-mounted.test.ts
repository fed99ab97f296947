import { execFileSync } from "node:child_process";
import { readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { describeAsRoot } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const ADD = ["users", "add", "--generate", "--cost", "4", "--file"];

/** A tmpfs, and what makes it read-only. */
function disk(): { path: string; makeReadOnly: () => void } | undefined {
  const mounted = mountSmallDisk("size=1m");
  if (mounted === undefined) return undefined;
  onTestFinished(() => mounted.unmount());
  const { path } = mounted;
  return { path, makeReadOnly: () => execFileSync("mount", ["-o", "remount,ro", path], { stdio: "pipe" }) };
}

describeAsRoot("a file of users in an odd place", () => {
  it("is written where it is if it is mounted by itself, as in a container", async ({ skip }) => {
    const mounted = disk();
    if (mounted === undefined) return skip();
    const outside = join(mounted.path, "htpasswd");
    writeFileSync(outside, "# users\n");
    const inside = join(await temporaryFolder(), "htpasswd");
    writeFileSync(inside, "");
    execFileSync("mount", ["--bind", outside, inside], { stdio: "pipe" });
    onTestFinished(() => void execFileSync("umount", ["-l", inside], { stdio: "pipe" }));

    const { stdout, exitCode } = await runRegistryCtl([...ADD, inside, "alice"]);
    expect(exitCode).toBe(0);
    expect(stdout).toContain("was written where it is");
    expect(readFileSync(outside, "utf8")).toMatch(/^# users\nalice:\$2y\$04\$.{53}\n$/);
  });

  it("is left as it is on a read-only disk, which is said", async ({ skip }) => {
    const mounted = disk();
    if (mounted === undefined) return skip();
    const path = join(mounted.path, "htpasswd");
    writeFileSync(path, "# users\n");
    mounted.makeReadOnly();
    const { stdout, stderr, exitCode } = await runRegistryCtl([...ADD, path, "alice"]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain(`${path} cannot be changed: EROFS`);
  });

  it("is not made on a read-only disk, so that serve does not start", async ({ skip }) => {
    const mounted = disk();
    if (mounted === undefined) return skip();
    mounted.makeReadOnly();
    const rootDirectory = join(await temporaryFolder(), "store");
    const moreConfig = `auth:\n  htpasswd:\n    realm: ours\n    path: ${mounted.path}/htpasswd\n`;
    await expect(startServe({ rootDirectory, moreConfig })).rejects.toThrow(
      /exit code 10[\s\S]*htpasswd is missing and cannot be made: EROFS\nhint: make it where this can be written/,
    );
  });
});
