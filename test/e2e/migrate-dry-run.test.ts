import { mkdirSync, readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** All that lies below a folder and the folder itself, with the time of its last change and what is in it. */
function contentOf(folder: string): string[] {
  const below = readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
  return ["", ...below].map((name) => {
    const path = join(folder, name);
    const info = statSync(path);
    return `${name} ${info.mtimeMs} ${info.isFile() ? readFileSync(path, "base64") : "folder"}`;
  });
}

function namesIn(folder: string): string[] {
  return readdirSync(folder, { recursive: true, encoding: "utf8" }).sort();
}

/** A default registry with one image, and a blob and a manifest that nobody needs. */
async function prepare(): Promise<string> {
  const folder = await temporaryFolder();
  mkdirSync(join(folder, "registry-data"));
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: join(folder, "registry-data") }));
  const repository = tree.repository("team/app");
  await repository.image("kept", ["layer"], { tag: "v1" });
  await repository.image("untagged", ["other"]);
  await tree.blob("garbage");
  return folder;
}

describe("migrate --dry-run", () => {
  it("tells what a default registry has and which keys are missing, and changes nothing", async () => {
    const folder = await prepare();
    const stateDir = join(folder, "state");
    const before = contentOf(folder);
    const { stdout, exitCode } = await runRegistryCtl(
      ["migrate", "--to", "s3", "--dryrun", "--state-dir", stateDir],
      { cwd: folder },
    );
    expect(exitCode).toBe(0);
    expect(stdout).toContain(`source: ${join(folder, "registry-data")}`);
    expect(stdout).toMatch(/blobs\/ +\d+ files/);
    expect(stdout).toMatch(/garbage-collect -m first would save/);
    expect(stdout).toContain("target: s3; it lacks bucket");
    expect(stdout).toContain("nothing was changed");
    expect(contentOf(folder)).toEqual(before);
  });

  it("says that there is nothing where there is nothing, and makes no folder", async () => {
    const folder = await temporaryFolder();
    const { stdout, exitCode } = await runRegistryCtl(["migrate", "--dry-run"], { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("there is no store: nothing would be copied");
    expect(stdout).toContain("target: not named");
    expect(contentOf(folder)).toHaveLength(1);
  });

  it("measures a bucket, leaves nothing in it, and shows no secret", async () => {
    const folder = await prepare();
    const before = contentOf(join(folder, "registry-data"));
    const s3 = await s3ServerOfTest();
    const { credentials } = s3.settings("registry");
    writeFileSync(join(folder, "secret"), `${credentials?.secretKey}\n`);
    const { stdout, stderr, exitCode } = await runRegistryCtl(
      [
        ...[
          "migrate",
          "--to",
          "s3",
          "--dry-run",
          "--json",
          "--bucket",
          "registry",
          "--endpoint",
          s3.endpoint,
        ],
        ...["--set", "forcepathstyle=true", "--secret-key-file", "secret"],
      ],
      { cwd: folder, env: { REGISTRY_CTL_TARGET_ACCESSKEY: credentials?.accessKey ?? "" } },
    );
    expect(stderr).not.toContain("error");
    expect(exitCode).toBe(0);
    const plan = JSON.parse(stdout);
    expect(plan.problems).toEqual([]);
    expect(plan.target).toMatchObject({ driver: "s3", store: "s3://registry", state: "empty", missing: [] });
    expect(plan.target.speed.smallPerSecond).toBeGreaterThan(0);
    expect(plan.target.requests.writes).toBeGreaterThan(plan.source.files);
    expect(plan.garbage.map(({ blobs }: { blobs: number }) => blobs)).toEqual([0, 0]);
    expect(s3.bucket("registry").objects.size).toBe(0);
    expect(contentOf(join(folder, "registry-data"))).toEqual(before);
    expect(stdout + stderr).not.toContain(credentials?.secretKey);
  });

  it("leaves a folder as it was, with the empty folders that are in it", async () => {
    const folder = await prepare();
    mkdirSync(join(folder, "new/docker/registry"), { recursive: true });
    const source = contentOf(join(folder, "registry-data"));
    const before = namesIn(folder);
    const target = ["--to", "filesystem", "--rootdirectory", "new"];
    const { stdout, exitCode } = await runRegistryCtl(["migrate", ...target, "--dry-run"], { cwd: folder });
    expect(exitCode).toBe(0);
    expect(stdout).toContain("measured:");
    expect(stdout).toContain("of ours (24.0 MiB) were written to the target to measure it, and removed");
    expect(namesIn(folder)).toEqual(before);
    expect(contentOf(join(folder, "registry-data"))).toEqual(source);
  });

  it.each([
    [["--to", "azure"], "--to azure: this release does not write to azure"],
    [["--to", "gcs"], "--to gcs: this release does not write to gcs"],
    [["--to", "s3", "--set", "secretkey=abc"], "a command line is seen by everybody"],
  ])("refuses %j", async (args, message) => {
    const { stderr, exitCode } = await runRegistryCtl(["migrate", "--dry-run", ...args]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain(message);
    expect(stderr).not.toContain("abc");
  });
});
