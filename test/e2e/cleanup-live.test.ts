import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate as turn } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { currentMachine } from "../../src/process/machine/run-process.ts";
import { stateFoldersOf } from "../../src/process/state/find-state.ts";
import { CleanupMemory } from "../../src/state/cleanup-memory.ts";
import { makeStateFolder } from "../../src/state/state-folder.ts";
import { type CleanupStore, expectTagsWhole, makeCleanupStore } from "../support/cleanup-store.ts";
import { expectSound } from "../support/expect-sound.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";
import { startServe } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

const POLICY = "policies: { '*': { name_regex_delete: .*, name_regex_keep: keep-.*, older_than: 30d } }";
const SEED = seedFrom("REGISTRY_CTL_KILL_SEED");
const MANY = 400;
const SIGNALS = ["SIGKILL", "SIGKILL", "SIGKILL", "SIGKILL", "SIGINT", "SIGTERM"] as const;

describe("--due", () => {
  const policies = "policies: { '*': { cadence: 7d, name_regex_delete: .*, keep_n: 1 } }";

  it("runs a policy once in its time, and remembers that", async () => {
    const store = await makeCleanupStore({ a: { x: 1, y: 2 } }, policies);
    expect(await store.json("run", "--due")).toMatchObject({ deleted: 1, projects: [{ state: "done" }] });
    await store.tree.repository("a").image("later", ["a layer"], { tag: "later" });
    const second = await store.json("run", "--due");
    expect(second).toMatchObject({ deleted: 0, repositories: [], projects: [{ state: "not due" }] });
    const next = Date.parse(String((second["projects"] as { nextRunAt: string }[])[0]?.nextRunAt));
    expect(next - Date.now()).toBeGreaterThan(6 * 86_400_000);
    expect(await store.json("run")).toMatchObject({ deleted: 1 });
    const future = new Date(Date.now() + 8 * 86_400_000).toISOString();
    expect(await store.json("plan", "--due", "--as-of", future)).toMatchObject({
      projects: [{ state: "done" }],
    });
  });

  it("goes on at once where a list was cut, behind what was looked at", async () => {
    const tags = { a: 3, b: 40, c: 4, d: 41, e: 42 };
    const store = await makeCleanupStore(
      { r: tags },
      "policies: { r: { name_regex_delete: .*, older_than: 30d } }",
    );
    const deleted: unknown[] = [];
    for (let round = 0; round < 4; round++) {
      const { projects, repositories } = await store.json("run", "--due", "--max-list-size", "2");
      const [first] = repositories as { deleted: { tag: string }[] }[];
      deleted.push([
        (projects as { state: string }[])[0]?.state,
        first?.deleted.map(({ tag }) => tag).join(),
      ]);
    }
    expect(deleted).toEqual([
      ["unfinished", "b"],
      ["unfinished", "d"],
      ["done", "e"],
      ["not due", undefined],
    ]);
    expect(await store.tagsOf("r")).toEqual(["a", "c"]);
  });
});

describe("a second run", () => {
  it("is kept out while the first one works, or does nothing with --skip-if-locked", async () => {
    const store = await makeCleanupStore({ a: { old: 90 } }, POLICY);
    const [folder = ""] = stateFoldersOf(
      { driver: "filesystem", rootDirectory: store.rootDirectory } as Parameters<typeof stateFoldersOf>[0],
      join(store.folder, "state"),
    );
    makeStateFolder(folder, process.getuid?.() ?? 0, undefined);
    const other = new CleanupMemory({ folder, onProblem: (problem) => expect.fail(problem) });
    await other.claim(currentMachine());
    const refused = await store.run("run");
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain(`process ${process.pid} is running cleanup policies`);
    expect(await store.run("run", "--skip-if-locked", "--quiet")).toEqual({
      stdout: "",
      stderr: "",
      exitCode: 0,
    });
    expect(await store.tagsOf("a")).toEqual(["old"]);
    other.release();
    expect((await store.run("run")).exitCode).toBe(0);
    expect(await store.tagsOf("a")).toEqual([]);
  });

  it("does no harm at the same moment", async () => {
    const store = await makeManyTags();
    const results = await Promise.all([
      store.run("run"),
      store.run("run"),
      store.run("run", "--skip-if-locked"),
    ]);
    for (const { exitCode, stderr } of results) expect([0, 12], stderr).toContain(exitCode);
    expect(results.some(({ exitCode }) => exitCode === 0)).toBe(true);
    await expectClean(store);
  });
});

describe(`cleanup run killed at random moments, REGISTRY_CTL_KILL_SEED=${SEED}`, () => {
  it.each(SIGNALS.map((signal, round) => [signal, round] as const))(
    "loses nothing at a %s, and the next run finishes (%d)",
    { timeout: 120_000 },
    async (signal, round) => {
      const store = await makeManyTags();
      const random = new SeededRandom(SEED + round);
      const left = random.between(1, MANY - 1);
      const folder = join(store.rootDirectory, "docker/registry/v2/repositories/b/_manifests/tags");
      const { child, result } = startRegistryCtl(store.args("run"));
      let hasEnded = false;
      void result.then(() => {
        hasEnded = true;
      });
      const oldTags = (): number =>
        readdirSync(folder).filter((tag) => existsSync(join(folder, tag, "current", "link"))).length;
      while (!hasEnded && oldTags() > left) await turn();
      child.kill(signal);
      const { exitCode, stderr } = await result;
      const stopped = { SIGKILL: undefined, SIGINT: 130, SIGTERM: 143 }[signal];
      expect([0, stopped], stderr).toContain(exitCode);
      await expectKept(store);
      await expectTagsWhole(store);
      await expectSound(store.rootDirectory);
      const last = await store.run("run", "--quiet");
      expect(last, last.stderr).toMatchObject({ exitCode: 0, stdout: "" });
      await expectClean(store);
    },
  );
});

describe("beside a running server", () => {
  it("takes tags away at once, and nothing else, on its store or over HTTP", async () => {
    const store = await makeCleanupStore(
      { "g/a": { old: 90, "keep-1": 90, new: 1 }, "g/b": { old: 90 } },
      POLICY,
    );
    const server = await startServe({ rootDirectory: store.rootDirectory });
    const client = new RegistryHttp(server.url);
    onTestFinished(async () => {
      client.close();
      await server.stop();
    });
    const status = async (path: string): Promise<number> => (await client.send("GET", `/v2/${path}`)).status;
    expect(await status("g/a/manifests/old")).toBe(200);
    expect((await store.run("run", "--project", "g/a")).exitCode).toBe(0);
    const digest = store.pushed.get("g/a")?.get("old")?.digest;
    expect(await status("g/a/manifests/old")).toBe(404);
    expect(await status(`g/a/manifests/${digest}`)).toBe(200);
    expect(await status("g/a/manifests/keep-1")).toBe(200);
    await client.pushImage("g/b", "pushed", [Buffer.from("a layer")]);

    const file = join(store.folder, "policies.yml");
    const overHttp = (...words: string[]) =>
      runRegistryCtl([
        ...["cleanup", ...words, "--policies", file, "--registry", server.url],
        ...["--state-dir", join(store.folder, "http-state"), "--json"],
      ]);
    const explained = await overHttp("explain", "g/b:pushed");
    expect(JSON.parse(explained.stdout)).toMatchObject({ decidedBy: "older_than" });
    const run = await overHttp("run", "--due");
    expect(run.exitCode, run.stderr).toBe(0);
    expect(JSON.parse(run.stdout)).toMatchObject({ deleted: 1, failed: 0 });
    expect(await status("g/b/manifests/old")).toBe(404);
    expect(await status("g/b/manifests/pushed")).toBe(200);
    expect(JSON.parse((await overHttp("run", "--due")).stdout)).toMatchObject({ repositories: [] });
    await expectSound(store.rootDirectory);
  });
});

/** Three repositories: `b` with many old tags, and in all of them some that stay. */
async function makeManyTags(): Promise<CleanupStore> {
  const tags = { old: 90, "keep-1": 90, new: 1 };
  const store = await makeCleanupStore({ a: tags, b: tags, c: tags }, POLICY);
  const byTag = store.pushed.get("b");
  const old = byTag?.get("old");
  if (old === undefined || byTag === undefined) throw new Error("nothing was pushed");
  for (let number = 0; number < MANY; number++) {
    const tag = `old-${number}`;
    await store.tree.repository("b").tag(tag, old.digest);
    byTag.set(tag, old);
  }
  return store;
}

async function expectKept(store: CleanupStore): Promise<void> {
  for (const repository of ["a", "b", "c"]) {
    expect(await store.tagsOf(repository)).toEqual(expect.arrayContaining(["keep-1", "new"]));
  }
}

async function expectClean(store: CleanupStore): Promise<void> {
  for (const repository of ["a", "b", "c"]) expect(await store.tagsOf(repository)).toEqual(["keep-1", "new"]);
  await expectTagsWhole(store);
  await expectSound(store.rootDirectory);
}
