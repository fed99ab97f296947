import { readdir, readFile, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import type { DeletionRecord } from "../../src/state/deletion-record.ts";
import { DELETIONS_FILE, Deletions } from "../../src/state/deletions.ts";
import { makeStateFolder } from "../../src/state/state-folder.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { expectSound } from "../support/expect-sound.ts";
import { findFreePort } from "../support/free-port.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NAME = "group/app";

/** A store, and what is remembered of deletions in it that failed: v1, v2 that has been moved since, and v3 that is gone. */
async function world() {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const stateDir = `${rootDirectory}.state`;
  const driver = new FilesystemDriver({ rootDirectory });
  const repository = new RegistryTree(driver).repository(NAME);
  const one = await repository.image("one", ["layer of one"], { tag: "v1" });
  const two = await repository.image("two", ["layer of two"], { tag: "v2" });
  const configPath = await writeServeConfig({ rootDirectory, port: await findFreePort() });
  const run = (...words: string[]): Promise<ProgramResult> =>
    runRegistryCtl([...words, "-c", configPath, "--state-dir", stateDir]);
  // What the program itself takes for the folder.
  expect((await run("tags", "delete", NAME, "none", "--yes")).exitCode).toBeDefined();
  const folder = join(stateDir, (await readdir(stateDir)).find((name) => /^[0-9a-f]{16}$/.test(name)) ?? "");
  makeStateFolder(folder, process.getuid?.() ?? 0, undefined);
  const deletions = new Deletions({ folder, onProblem: (problem) => expect.fail(problem) });
  const record = { repository: NAME, attempts: 11, reason: "the disk was busy" } as const;
  await deletions.recordFailed([
    { ...record, name: "v1", digest: one.digest },
    { ...record, name: "v2", digest: one.digest },
    { ...record, name: "v3", digest: one.digest },
    { ...record, repository: "other", name: "v1", digest: one.digest },
  ]);
  const listed = async (): Promise<Pick<DeletionRecord, "repository" | "name" | "state">[]> =>
    JSON.parse((await run("deletions", "list", "--json")).stdout).deletions;
  const pointsTo = async (tag: string): Promise<string | undefined> =>
    readFile(
      join(rootDirectory, `docker/registry/v2/repositories/${NAME}/_manifests/tags/${tag}/current/link`),
      "utf8",
    ).catch(() => undefined);
  return { rootDirectory, folder, one, two, run, deletions, listed, pointsTo };
}

describe("deletions", () => {
  it("lists what failed, for people and for programs, without the store", async () => {
    const { run, one } = await world();
    const { stdout, exitCode } = await run("deletions", "list");
    expect(exitCode).toBe(0);
    expect(stdout).toContain("4 delete_failed, 0 delete_scheduled, in 2 repositories");
    expect(stdout).toMatch(/group\/app +v1 +delete_failed +11 .*the disk was busy/);
    const json = JSON.parse((await run("deletions", "list", "--json", "other")).stdout);
    expect(json).toEqual({
      ...{ schemaVersion: 1, command: "deletions list" },
      repositories: [{ repository: "other", state: "delete_failed", failed: 1, scheduled: 0 }],
      deletions: [
        {
          ...{ repository: "other", name: "v1", digest: one.digest, state: "delete_failed" },
          ...{ attempts: 11, reason: "the disk was busy", at: expect.any(String) },
        },
      ],
    });
  });

  it("sets back what failed, and the next deletion in the repository does it", async () => {
    const { rootDirectory, run, two, listed, pointsTo } = await world();
    expect((await run("deletions", "retry")).exitCode).toBe(2);
    expect((await run("deletions", "retry", "--all", NAME)).exitCode).toBe(2);
    const dry = await run("deletions", "retry", NAME, "--dry-run");
    expect(dry.stdout).toContain("would try again: 3 deletions");
    expect((await listed()).every(({ state }) => state === "delete_failed")).toBe(true);
    const set = await run("deletions", "retry", NAME);
    expect(set).toMatchObject({ exitCode: 0 });
    expect(set.stdout).toContain("set back to delete_scheduled: 3 deletions");
    expect((await listed()).map(({ repository, state }) => `${repository} ${state}`)).toEqual([
      ...Array.from({ length: 3 }, () => `${NAME} delete_scheduled`),
      "other delete_failed",
    ]);
    expect(await pointsTo("v1")).toBeDefined();
    const next = await run("tags", "delete", NAME, "nothing-of-that-name", "--yes");
    expect(next.exitCode, next.stderr).toBe(0);
    expect(await pointsTo("v1")).toBeUndefined();
    expect(await pointsTo("v2")).toBe(two.digest);
    expect((await listed()).map(({ repository }) => repository)).toEqual(["other"]);
    await expectSound(rootDirectory);
  });

  it("does it at once with --now, asks, and spares what is protected or points elsewhere", async () => {
    const { rootDirectory, run, one, two, listed, pointsTo } = await world();
    const asks = await run("deletions", "retry", "--all", "--now");
    expect(asks.exitCode).toBe(2);
    expect(asks.stderr).toContain("--yes");
    const protect = join(rootDirectory, "..", "running");
    await writeFile(protect, `${one.digest}\n`);
    const dry = await run("deletions", "retry", NAME, "--now", "--dry-run", "--protect", protect);
    expect(dry.stdout).toContain("left, as they are protected: 3\nwould try again: 0 deletions, now");
    expect((await run("deletions", "retry", NAME, "--protect", protect)).exitCode).toBe(2);
    const missing = await run(
      "deletions",
      "retry",
      NAME,
      "--now",
      "--dry-run",
      "--protect",
      `${protect}.not`,
    );
    expect(missing.exitCode).toBe(2);
    const told = await run("deletions", "retry", NAME, "--now", "--yes", "--protect", protect);
    expect(told.stdout).toBe("deleted: 0 tags\nleft, as they are protected: 3");
    const spared = await run("deletions", "retry", NAME, "--now", "--yes", "--protect", protect, "--json");
    expect(JSON.parse(spared.stdout)).toMatchObject({ deleted: 0, protected: 3, now: true });
    const { stdout, exitCode, stderr } = await run("deletions", "retry", "--all", "--now", "--yes", "--json");
    expect(exitCode, stderr).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({ deleted: 1, gone: 2, moved: 1, failed: 0, protected: 0 });
    expect(await pointsTo("v1")).toBeUndefined();
    expect(await pointsTo("v2")).toBe(two.digest);
    expect(await listed()).toEqual([]);
    expect((await run("deletions", "list")).stdout).toBe("nothing: no deletion has failed");
    await expectSound(rootDirectory);
  });

  it("goes on where its file is damaged, and keeps that", async () => {
    const { folder, run, listed } = await world();
    await writeFile(join(folder, DELETIONS_FILE), "{");
    const { stdout, stderr, exitCode } = await run("deletions", "list");
    expect({ stdout, exitCode }).toEqual({ stdout: "nothing: no deletion has failed", exitCode: 0 });
    expect(stderr).toContain("is damaged");
    expect(await listed()).toEqual([]);
  });

  it("remembers apart what failed at a registry over HTTP, which it does not ask to list it", async () => {
    const { folder } = await world();
    const words = [
      "deletions",
      "list",
      "--registry",
      "http://127.0.0.1:1",
      "--state-dir",
      join(folder, ".."),
    ];
    expect(await runRegistryCtl(words)).toMatchObject({
      exitCode: 0,
      stdout: "nothing: no deletion has failed",
    });
  });

  it.each(["list", "retry"])("has help with examples and exit codes: %s", async (name) => {
    const { stdout } = await runRegistryCtl(["deletions", name, "--help"]);
    expect(stdout).toContain("Examples:");
    expect(stdout).toContain("Exit codes:");
  });
});
