import { execFileSync } from "node:child_process";
import { mkdirSync, readFileSync, readlinkSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { hostname } from "node:os";
import { dirname, join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import {
  type CollectorOptions,
  type CollectorProcess,
  isLocked,
  lockPathOf,
  runCollector,
  startCollector,
  waitFor,
} from "../support/collector-process.ts";
import {
  expectCollected,
  expectNextRunFinishes,
  expectNothingLost,
  expectUntouched,
} from "../support/expect-collected.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { type PreparedTree, prepareTree } from "../support/prepared-tree.ts";
import { seedFrom } from "../support/seeded-random.ts";
import { listStore } from "../support/store-files.ts";

const SEED = seedFrom("REGISTRY_CTL_FAULT_SEED");
const MINUTE_MS = 60_000;
const NOTHING = { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };

let prepared: PreparedTree;
let removeFolder: () => Promise<void>;

beforeAll(async () => {
  const folder = await folderInMemory((remove) => {
    removeFolder = remove;
  });
  // Of several batches in each of the long phases.
  prepared = await prepareTree(folder, SEED, { repositories: 20, pushes: 16, orphans: 1500 });
});

afterAll(() => removeFolder());

async function copyTree(): Promise<string> {
  const copy = await prepared.copy();
  onTestFinished(() => copy.remove());
  return copy.rootDirectory;
}

/** A collection that stands still in the middle of its sweep, until it is sent SIGCONT. */
async function stoppedCollector(
  rootDirectory: string,
  options: CollectorOptions = {},
): Promise<CollectorProcess> {
  const [firstToGo = ""] = prepared.going.get("tag history") ?? [];
  const run = await startCollector(rootDirectory, [], options);
  const path = join(rootDirectory, firstToGo);
  expect(await waitFor(run, () => isGone(path))).toBe(true);
  run.send("SIGSTOP");
  onTestFinished(async () => {
    run.send("SIGKILL");
    await run.ended;
  });
  // Threads of it may still be within a system call.
  for (let seen = -1, now = countFiles(rootDirectory); seen !== now; now = countFiles(rootDirectory)) {
    seen = now;
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  return run;
}

function isGone(path: string): boolean {
  try {
    readFileSync(path);
    return false;
  } catch {
    return true;
  }
}

function countFiles(rootDirectory: string): number {
  return listStore(rootDirectory).files.size;
}

describe(`garbage-collect beside another run, REGISTRY_CTL_FAULT_SEED=${SEED}`, () => {
  it("refuses with exit code 12, or does nothing if told so, and the first one finishes", async () => {
    const rootDirectory = await copyTree();
    const first = await stoppedCollector(rootDirectory);
    const before = listStore(rootDirectory);

    const refused = await runCollector(rootDirectory);
    const skipped = await runCollector(rootDirectory, ["--skip-if-locked"]);
    const dryRun = await runCollector(rootDirectory, ["--dry-run"]);

    expect(refused.exitCode, refused.stderr).toBe(12);
    expect(refused.stdout).toBe("");
    expect(refused.stderr).toContain(String(first.pid));
    expect(refused.stderr).toContain(hostname());
    expect(skipped.exitCode, skipped.stderr).toBe(0);
    expect(JSON.parse(skipped.stdout).deleted).toEqual(NOTHING);
    expect(dryRun.exitCode, dryRun.stderr).toBe(0);
    expect(listStore(rootDirectory)).toEqual(before);
    first.send("SIGCONT");
    expectCollected(prepared, rootDirectory, await first.ended);
  });

  it.each([2, 10])(
    "removes everything once where %s start in the same moment",
    { timeout: 60_000 },
    async (count) => {
      const rootDirectory = await copyTree();
      const options = Array.from({ length: count }, (_, index) =>
        index % 3 === 2 ? ["--skip-if-locked"] : [],
      );
      const ends = await Promise.all(options.map((more) => runCollector(rootDirectory, more)));

      for (const [index, { exitCode, stderr }] of ends.entries()) {
        expect(options[index]?.length === 0 ? [0, 12] : [0], stderr).toContain(exitCode);
      }
      const sums = { ...NOTHING };
      for (const { exitCode, stdout } of ends) {
        if (exitCode !== 0) continue;
        const { deleted } = JSON.parse(stdout);
        for (const kind of Object.keys(NOTHING) as (keyof typeof NOTHING)[]) sums[kind] += deleted[kind];
      }
      expect(sums).toEqual(prepared.deleted);
      expect(isLocked(rootDirectory)).toBe(false);
      await expectNextRunFinishes(prepared, rootDirectory);
    },
  );

  it("stops without another deletion where it lost its lock while it could not run", async () => {
    const rootDirectory = await copyTree();
    const clockPath = `${rootDirectory}.clock`;
    onTestFinished(() => rmSync(clockPath, { force: true }));
    const first = await stoppedCollector(rootDirectory, { env: laterOnce(clockPath, 20 * MINUTE_MS) });
    const others = lockOf({ host: "elsewhere", bootId: "another boot", leaseMs: 10 * MINUTE_MS });
    rmSync(lockPathOf(rootDirectory));
    writeFileSync(lockPathOf(rootDirectory), others);
    writeFileSync(clockPath, "");

    first.send("SIGCONT");
    const end = await first.ended;

    expect(end.exitCode, end.stderr).toBe(12);
    expect(end.stderr).toContain("elsewhere");
    expect(readFileSync(lockPathOf(rootDirectory), "utf8")).toBe(others);
    const names = expectNothingLost(prepared, rootDirectory);
    // What had been handed to threads may end, the rest stays.
    expect(names.files.size).toBeGreaterThan(prepared.after.files.size);
    await expectSound(rootDirectory);
    rmSync(lockPathOf(rootDirectory));
    await expectNextRunFinishes(prepared, rootDirectory);
  });
});

describe("garbage-collect and the lock of a run that died", () => {
  it("breaks at once a lock whose process of this boot is dead", async () => {
    const rootDirectory = await copyTree();
    const pid = Number(execFileSync("sh", ["-c", "echo $$"], { encoding: "utf8" }));
    placeLock(rootDirectory, lockOf({ pid, leaseMs: 10 * MINUTE_MS }));
    await expectNextRunFinishes(prepared, rootDirectory);
  });

  it.each([
    ["another boot", { bootId: "another boot" }],
    ["another host", { host: "elsewhere", bootId: "of elsewhere" }],
    ["another container", { pidNamespace: "pid:[1]" }],
    ["a living process", { pid: process.pid }],
  ])("respects the lease of %s, and breaks it when it is over", async (_, holder) => {
    const rootDirectory = await copyTree();
    placeLock(rootDirectory, lockOf({ ...holder, leaseMs: MINUTE_MS }));
    const refused = await runCollector(rootDirectory);
    expect(refused.exitCode, refused.stderr).toBe(12);
    expectUntouched(prepared, rootDirectory);

    // Five minutes are for clocks that differ.
    placeLock(rootDirectory, lockOf({ ...holder, leaseMs: -4 * MINUTE_MS }));
    expect((await runCollector(rootDirectory)).exitCode).toBe(12);
    placeLock(rootDirectory, lockOf({ ...holder, leaseMs: -6 * MINUTE_MS }));
    await expectNextRunFinishes(prepared, rootDirectory);
  });

  it.each([
    ["empty", ""],
    ["garbage", "\0\xff{{{"],
    ["torn", '{"token":"3c9'],
    ["no object", "null"],
    ["of other fields", '{"token":1,"pid":"x"}'],
    ["huge", "x".repeat(1_000_000)],
  ])("waits for a lock file that is %s until it is old", async (_, content) => {
    const rootDirectory = await copyTree();
    placeLock(rootDirectory, content);
    const refused = await runCollector(rootDirectory);
    expect(refused.exitCode, refused.stderr).toBe(12);
    expectUntouched(prepared, rootDirectory);

    const old = new Date(Date.now() - 20 * MINUTE_MS);
    utimesSync(lockPathOf(rootDirectory), old, old);
    await expectNextRunFinishes(prepared, rootDirectory);
  });

  it.each(["the lock", "the folder of locks"])(
    "removes nothing where something else is in the place of %s",
    async (what) => {
      const rootDirectory = await copyTree();
      const path = lockPathOf(rootDirectory);
      if (what === "the lock") mkdirSync(join(path, "more"), { recursive: true });
      else writeFileSync(dirname(path), "no folder");

      const end = await runCollector(rootDirectory);

      expect([1, 11, 12], end.stderr).toContain(end.exitCode);
      expect(end.stderr).toContain("lock");
      expectUntouched(prepared, rootDirectory);
    },
  );
});

describe("garbage-collect beside a registry that becomes writable", () => {
  it.each([
    ["after the first look", 1, 0],
    ["during the sweep", 2, 2 * MINUTE_MS],
  ])("stops with exit code 12: %s", async (_, readOnlyAnswers, jumpMs) => {
    const rootDirectory = await copyTree();
    const clockPath = join(rootDirectory, prepared.going.get("tag history")?.[0] ?? "");
    const { port, answers } = await registryTurningWritable(readOnlyAnswers);
    const end = await runCollector(rootDirectory, [], { port, env: laterWhenGone(clockPath, jumpMs) });

    expect(end.exitCode, end.stderr).toBe(12);
    expect(end.stderr).toContain("takes writes");
    expect(answers()).toBe(readOnlyAnswers + 1);
    const names = expectNothingLost(prepared, rootDirectory);
    if (jumpMs === 0) expectUntouched(prepared, rootDirectory);
    else expect(names.files.size).toBeGreaterThan(prepared.after.files.size);
    expect(isLocked(rootDirectory)).toBe(false);
    await expectSound(rootDirectory);
    await expectNextRunFinishes(prepared, rootDirectory);
  });
});

function placeLock(rootDirectory: string, content: string): void {
  const path = lockPathOf(rootDirectory);
  mkdirSync(dirname(path), { recursive: true });
  writeFileSync(path, content);
}

interface LockFields {
  host?: string;
  bootId?: string;
  pidNamespace?: string;
  pid?: number;
  leaseMs: number;
}

/** A lock file as the program writes it; of this machine unless said otherwise. */
function lockOf({ host = hostname(), bootId, pidNamespace, pid = 1, leaseMs }: LockFields): string {
  const now = Date.now();
  return JSON.stringify({
    token: "a token of the tests",
    host,
    bootId: bootId ?? readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim(),
    pidNamespace: pidNamespace ?? readlinkSync("/proc/self/ns/pid"),
    pid,
    startedAt: new Date(now - MINUTE_MS).toISOString(),
    leaseUntil: new Date(now + leaseMs).toISOString(),
  });
}

/** Makes the program's clock jump once a file is there. */
function laterOnce(path: string, jumpMs: number): Record<string, string> {
  return clockThat(`existsSync(${JSON.stringify(path)})`, jumpMs);
}

/** Makes the program's clock jump once a file is gone. */
function laterWhenGone(path: string, jumpMs: number): Record<string, string> {
  return clockThat(`!existsSync(${JSON.stringify(path)})`, jumpMs);
}

function clockThat(jumps: string, jumpMs: number): Record<string, string> {
  const code = `import { existsSync } from "node:fs"; const now = Date.now; Date.now = () => now() + (${jumps} ? ${jumpMs} : 0);`;
  return { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(code)}` };
}

/** A registry that refuses so many writes, and takes them from then on. */
async function registryTurningWritable(
  readOnlyAnswers: number,
): Promise<{ port: number; answers: () => number }> {
  let answers = 0;
  const server = createServer((request, response) => {
    request.resume();
    const isReadOnly = answers++ < readOnlyAnswers;
    response.writeHead(isReadOnly ? 405 : 400, { "content-type": "application/json" });
    response.end(JSON.stringify({ errors: [{ code: isReadOnly ? "UNSUPPORTED" : "MANIFEST_INVALID" }] }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => {
    server.closeAllConnections();
    server.close();
  });
  return { port: (server.address() as AddressInfo).port, answers: () => answers };
}
