import { existsSync } from "node:fs";
import { mkdir, readdir, utimes, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { describe, expect, it } from "vitest";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** In whole seconds, which every file system keeps exactly. */
const OLD = new Date(Math.floor(Date.now() / 1000 - 8 * 86_400) * 1000);
const REPOSITORIES = "docker/registry/v2/repositories";
const ABANDONED = "0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a91";
const YOUNG = "0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a92";
const UNSTARTED = "0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a93";

describe("uploads purge", () => {
  it("shows what it would delete, deletes exactly that, and then nothing more", async () => {
    const { configPath, at } = await store();

    const planned = await runRegistryCtl(["uploads", "purge", "--dryrun", configPath]);
    expect(planned.exitCode, planned.stderr).toBe(0);
    expect(planned.stdout).toContain(`team/app    ${ABANDONED}  2020-01-01T00:00:00.000Z`);
    expect(planned.stdout).toContain(`team/app    ${UNSTARTED}  missing`);
    expect(planned.stdout).not.toContain(YOUNG);
    expect(planned.stdout).toContain("would delete: 2 uploads (30 B)\nnothing was changed (dry run)");
    expect(planned.stderr).toContain(configPath);
    expect([ABANDONED, UNSTARTED, YOUNG].map((uuid) => existsSync(at(uuid)))).toEqual([true, true, true]);

    const done = await runRegistryCtl(["uploads", "purge", configPath]);
    expect(done.exitCode, done.stderr).toBe(0);
    const rows = (text: string): string => text.slice(0, text.indexOf("\n\n"));
    expect(rows(done.stdout)).toBe(rows(planned.stdout));
    expect(done.stdout).toMatch(
      /kept: 1 upload, younger or in use\ndeleted: 2 uploads \(30 B\) in [\d.]+ s$/,
    );
    expect([ABANDONED, UNSTARTED, YOUNG].map((uuid) => existsSync(at(uuid)))).toEqual([false, false, true]);
    expect(await readdir(dirname(at(YOUNG)))).toEqual([YOUNG]);

    const again = await runRegistryCtl(["uploads", "purge", "--quiet", configPath]);
    expect(again).toMatchObject({ exitCode: 0, stderr: "" });
    expect(again.stdout).toContain("deleted: 0 uploads");
  });

  it("prints one JSON document", async () => {
    const { configPath } = await store();
    const args = ["uploads", "purge", "--json", "--older-than", "7d", configPath];
    const { stdout, exitCode } = await runRegistryCtl(args);
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: "uploads purge",
      dryRun: false,
      startedAt: expect.stringMatching(/^20\d\d-.*Z$/),
      olderThanSeconds: 604_800,
      found: 3,
      kept: 1,
      purged: [
        {
          repository: "team/app",
          upload: ABANDONED,
          path: `/${REPOSITORIES}/team/app/_uploads/${ABANDONED}`,
          startedAt: "2020-01-01T00:00:00.000Z",
          lastWrittenAt: OLD.toISOString(),
          bytes: 25,
        },
        {
          repository: "team/app",
          upload: UNSTARTED,
          path: `/${REPOSITORIES}/team/app/_uploads/${UNSTARTED}`,
          startedAt: "missing",
          lastWrittenAt: expect.any(String),
          bytes: 5,
        },
      ],
      purgedBytes: 30,
      warnings: [],
      failed: [],
      failures: 0,
      seconds: expect.any(Number),
    });
  });

  it("exits 12 while somebody works on the store, or 0 where that may be", async () => {
    const { configPath, rootDirectory, at } = await store();
    const lock = join(rootDirectory, "docker/registry/lockfiles/registry-ctl.lock");
    await mkdir(dirname(lock), { recursive: true });
    const leaseUntil = new Date(Date.now() + 600_000).toISOString();
    await writeFile(lock, JSON.stringify({ token: "t", host: "far", pid: 7, leaseUntil, bootId: "b" }));

    const locked = await runRegistryCtl(["uploads", "purge", configPath]);
    expect(locked.exitCode).toBe(12);
    expect(locked.stderr).toContain("process 7 on far");
    const skipped = await runRegistryCtl(["uploads", "purge", "--skip-if-locked", configPath]);
    expect(skipped).toMatchObject({ exitCode: 0, stdout: "" });
    expect(skipped.stderr).toContain("nothing done: process 7 on far");
    expect(existsSync(at(ABANDONED))).toBe(true);
  });

  it("is safe beside a running registry, which has to be stopped for uploads of the last hour", async () => {
    const rootDirectory = await temporaryFolder();
    const server = await startServe({ rootDirectory });
    const started = await fetch(`${server.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
    const location = new URL(started.headers.get("location") ?? "", server.url);
    expect((await fetch(location, { method: "PATCH", body: "hello" })).status).toBe(202);
    const purge = (...args: string[]) => runRegistryCtl(["uploads", "purge", ...args, server.configPath]);

    expect(await purge("--older-than", "1h")).toMatchObject({ exitCode: 0 });
    const refused = await purge("--older-than", "0s");
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain("not proved to be stopped or read-only");
    const planned = await purge("--older-than", "0s", "--dry-run");
    expect(planned.exitCode).toBe(0);
    expect(planned.stderr).toContain("a real run would refuse");
    expect((await fetch(location)).status).toBe(204);

    await server.stop();
    const done = await purge("--older-than", "0s");
    expect(done.exitCode, done.stderr).toBe(0);
    expect(done.stdout).toContain("deleted: 1 upload (");
    expect(await readdir(join(rootDirectory, REPOSITORIES, "team/app/_uploads"))).toEqual([]);
  });

  it("tells what is wrong with its arguments", async () => {
    const { configPath } = await store();
    const wrong = await runRegistryCtl(["uploads", "purge", "--older-than", "168", configPath]);
    expect(wrong.exitCode).toBe(2);
    expect(wrong.stderr).toContain("such as 90m, 12h or 7d");
    expect((await runRegistryCtl(["uploads", "purge", "/nonexistent/config.yml"])).exitCode).toBe(10);
    const readOnly = await runRegistryCtl(["uploads", "purge", "--read-only-store", configPath]);
    expect(readOnly.exitCode).toBe(11);
  });
});

describe("uploads list", () => {
  it("shows every upload, the young ones too", async () => {
    const { configPath } = await store();
    const all = await runRegistryCtl(["uploads", "list", configPath]);
    expect(all.exitCode, all.stderr).toBe(0);
    for (const uuid of [ABANDONED, UNSTARTED, YOUNG]) expect(all.stdout).toContain(uuid);
    expect(all.stdout).toContain("3 uploads, 55 B");
    const old = await runRegistryCtl(["uploads", "list", "--json", "--older-than", "7d", configPath]);
    expect(JSON.parse(old.stdout).uploads.map(({ upload }: { upload: string }) => upload)).toEqual([
      ABANDONED,
      UNSTARTED,
    ]);
  });
});

describeWithPrograms(["docker-registry"], "uploads purge on what the Go registry wrote", () => {
  it("removes its uploads with all that belongs to them, and it knows them no more", async () => {
    const rootDirectory = await temporaryFolder();
    const go = await startGoRegistry({ rootDirectory });
    const started = await fetch(`${go.url}/v2/team/app/blobs/uploads/`, { method: "POST" });
    const patched = await fetch(started.headers.get("location") ?? "", {
      method: "PATCH",
      body: "hello",
      headers: { "Content-Type": "application/octet-stream" },
    });
    expect(patched.status).toBe(202);
    const uploads = join(rootDirectory, REPOSITORIES, "team/app/_uploads");
    const [uuid = ""] = await readdir(uploads);
    const names = await readdir(join(uploads, uuid), { recursive: true });
    expect(names).toEqual(expect.arrayContaining(["data", "startedat"]));
    await writeFile(join(uploads, uuid, "startedat"), "2020-01-01T00:00:00Z");
    for (const name of names) await utimes(join(uploads, uuid, name), OLD, OLD);

    const { exitCode, stderr } = await runRegistryCtl(["uploads", "purge", `${rootDirectory}.config.yml`]);
    expect(exitCode, stderr).toBe(0);
    expect(await readdir(uploads)).toEqual([]);
    expect((await fetch(patched.headers.get("location") ?? "")).status).toBe(404);
    await go.stop();
  });
});

/** A store with two abandoned uploads, of which one does not say when it was begun, and a young one. */
async function store(): Promise<{
  rootDirectory: string;
  configPath: string;
  /** The folder of an upload. */
  at: (uuid: string) => string;
}> {
  const rootDirectory = await temporaryFolder();
  const configPath = await writeServeConfig({ rootDirectory, port: 1 });
  const at = (uuid: string): string => join(rootDirectory, REPOSITORIES, "team/app/_uploads", uuid);
  for (const uuid of [ABANDONED, UNSTARTED, YOUNG]) {
    const files = uuid === UNSTARTED ? ["data"] : ["startedat", "data"];
    await mkdir(at(uuid), { recursive: true });
    for (const file of files) {
      await writeFile(join(at(uuid), file), file === "data" ? "hello" : "2020-01-01T00:00:00Z");
      if (uuid !== YOUNG) await utimes(join(at(uuid), file), OLD, OLD);
    }
  }
  return { rootDirectory, configPath, at };
}
