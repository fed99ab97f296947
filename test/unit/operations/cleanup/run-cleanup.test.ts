import { describe, expect, it } from "vitest";
import { CancelledError, RegistryStateError, StorageUnavailableError } from "../../../../src/errors.ts";
import type { Digest } from "../../../../src/oci/digest.ts";
import { parseDigest } from "../../../../src/oci/digest.ts";
import { DEFAULT_LIMITS } from "../../../../src/operations/cleanup/policy.ts";
import { parsePolicyFile } from "../../../../src/operations/cleanup/policy-file.ts";
import { type CleanupOptions, runCleanup } from "../../../../src/operations/cleanup/run-cleanup.ts";
import { ProtectedImages, parseProtected } from "../../../../src/operations/tags/protected.ts";
import type {
  RemovalOptions,
  TagFacts,
  TagSource,
  TagTarget,
} from "../../../../src/operations/tags/tag-source.ts";
import { CleanupMemory } from "../../../../src/state/cleanup-memory.ts";
import { Deletions } from "../../../../src/state/deletions.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse("2026-03-31T12:00:00Z");

/** Tags in memory, with the days since they were created; what it is told to do wrong, it does. */
class FakeTags implements TagSource {
  readonly location = "memory";
  readonly store: Map<string, Map<string, number>>;
  readonly factsWanted: string[] = [];
  working = 0;
  mostWorking = 0;
  /** Called before a repository is read. */
  onRead: (repository: string) => void = () => {};
  onRemove: (repository: string, name: string) => "removed" | "failed" | "moved" | "stop" = () => "removed";

  constructor(store: Readonly<Record<string, Readonly<Record<string, number>>>>) {
    this.store = new Map(Object.entries(store).map(([name, tags]) => [name, new Map(Object.entries(tags))]));
  }

  async *repositories(): AsyncGenerator<string> {
    yield* this.store.keys();
  }

  async names(repository: string): Promise<string[]> {
    this.working++;
    this.mostWorking = Math.max(this.mostWorking, this.working);
    await new Promise((resolve) => setImmediate(resolve));
    this.working--;
    this.onRead(repository);
    return this.tagsOf(repository);
  }

  async tags(repository: string): Promise<TagTarget[]> {
    return this.tagsOf(repository).map((name) => ({ name, digest: digestOf(name) }));
  }

  async facts(repository: string, wanted: readonly string[] | undefined): Promise<TagFacts[]> {
    this.factsWanted.push(...(wanted ?? []));
    return (wanted ?? []).map((name) => ({
      ...{ name, digest: digestOf(name), mediaType: undefined, pushedMs: undefined, sizeBytes: undefined },
      created: { kind: "known", ms: NOW_MS - (this.store.get(repository)?.get(name) ?? 0) * DAY_MS },
      ...{ platforms: [], siblings: [], isManifestMissing: false },
    }));
  }

  manifests(): never {
    throw new Error("are not needed");
  }

  async remove(
    repository: string,
    tags: readonly TagTarget[],
    { signal, onOutcome }: RemovalOptions,
  ): Promise<void> {
    for (const { name } of tags) {
      const kind = this.onRemove(repository, name);
      if (kind === "stop" || signal?.aborted) throw new CancelledError();
      if (kind === "removed") this.store.get(repository)?.delete(name);
      onOutcome({ name, kind, ...(kind === "failed" ? { reason: "it does not want to" } : {}) });
    }
  }

  tagsOf(repository: string): string[] {
    return [...(this.store.get(repository)?.keys() ?? [])].sort();
  }
}

function digestOf(name: string): Digest {
  return parseDigest(`sha256:${Buffer.from(name).toString("hex").padEnd(64, "0").slice(0, 64)}`);
}

function newMemory(): CleanupMemory {
  return new CleanupMemory({ folder: undefined, onProblem: (problem) => expect.fail(problem) });
}

interface Run extends Partial<CleanupOptions> {
  memory?: CleanupMemory;
  policies?: string;
  limit?: Partial<CleanupOptions["limits"]>;
  nowMs?: number;
  timeout?: AbortSignal;
  deletions?: Deletions;
  protectedImages?: ProtectedImages;
}

const ALL = "policies: { '*': { name_regex_delete: .*, cadence: 7d, keep_n: 1 } }";

function run(source: FakeTags, { memory, policies, limit, nowMs, timeout, ...rest }: Run = {}) {
  const { deletions, protectedImages, ...more } = rest;
  return runCleanup(
    {
      ...{ source, memory: memory ?? newMemory(), deletions, protectedImages, nowMs: () => nowMs ?? NOW_MS },
      timeoutSignal: () => timeout ?? new AbortController().signal,
    },
    parsePolicyFile(policies ?? ALL, "policies.yml"),
    { dryRun: false, due: false, attempts: 1, limits: { ...DEFAULT_LIMITS, ...limit }, ...more },
  );
}

it("works on as many repositories at a time as it may", async () => {
  const many = Object.fromEntries(Array.from({ length: 20 }, (_, index) => [`r${index}`, { a: 1, b: 2 }]));
  const source = new FakeTags(many);
  expect((await run(source, { limit: { workerCapacity: 3 } })).deleted).toBe(20);
  expect(source.mostWorking).toBe(3);
});

it("reads nothing of tags that their names keep, or that were cut", async () => {
  const source = new FakeTags({ r: { latest: 9, v1: 9, a: 9, b: 9, c: 9, d: 9 } });
  const policies = "policies: { r: { name_regex_delete: '[a-d]', keep_n: 1 } }";
  await run(source, { policies, limit: { maxListSize: 1 } });
  expect(source.factsWanted).toEqual(["a", "b"]);
});

it("deletes the oldest first", async () => {
  const source = new FakeTags({ r: { a: 5, b: 9, c: 7, new: 1 } });
  const { repositories } = await run(source);
  expect(repositories[0]?.deleted.map(({ tag }) => tag)).toEqual(["b", "c", "a"]);
});

describe("a repository that cannot be read", () => {
  it("is told, and the others have their turn", async () => {
    const source = new FakeTags({ a: { x: 1, y: 2 }, b: { x: 1, y: 2 } });
    source.onRead = (repository) => {
      if (repository === "a") throw new StorageUnavailableError("the disk is gone");
    };
    const memory = newMemory();
    const report = await run(source, { memory });
    expect(report).toMatchObject({ deleted: 1, failed: 1 });
    expect(report.repositories[0]).toMatchObject({ repository: "a", problem: "the disk is gone" });
    expect(memory.lastRunOf("a")?.isUnfinished).toBe(true);
    expect(memory.lastRunOf("b")).toEqual({ ranAtMs: NOW_MS, isUnfinished: false });
  });
});

describe("what cannot be deleted", () => {
  it("is told, and leaves its project unfinished", async () => {
    const source = new FakeTags({ r: { a: 3, b: 2, c: 1 } });
    source.onRemove = (_repository, name) => (name === "a" ? "failed" : "removed");
    const memory = newMemory();
    const report = await run(source, { memory });
    expect(report).toMatchObject({
      deleted: 1,
      failed: 1,
      projects: [{ project: "r", state: "unfinished" }],
    });
    expect(report.repositories[0]?.notDeleted).toEqual([
      { tag: "a", why: "failed", reason: "it does not want to" },
    ]);
    expect(memory.lastRunOf("r")?.isUnfinished).toBe(true);
  });

  it("goes with the next run when it is set back, unless it is protected", async () => {
    const source = new FakeTags({ r: { a: 3, b: 2, c: 1 } });
    const deletions = new Deletions({
      folder: await temporaryFolder(),
      onProblem: (problem) => expect.fail(problem),
    });
    const record = { repository: "r", attempts: 11, reason: "the disk was busy" } as const;
    await deletions.recordFailed(["a", "b"].map((name) => ({ ...record, name, digest: digestOf(name) })));
    await deletions.schedule(() => true);
    const policies = "policies: { r: { name_regex_delete: none } }";
    const protectedImages = new ProtectedImages([parseProtected("r:a") ?? expect.fail("no reference")]);
    expect((await run(source, { policies, deletions, protectedImages })).deleted).toBe(1);
    expect(source.tagsOf("r")).toEqual(["a", "c"]);
    expect(deletions.list().map(({ name }) => name)).toEqual(["a"]);
  });

  it("is no failure if somebody has set the tag to another digest meanwhile", async () => {
    const source = new FakeTags({ r: { a: 3, b: 1 } });
    source.onRemove = () => "moved";
    expect(await run(source)).toMatchObject({ deleted: 0, failed: 0, projects: [{ state: "done" }] });
  });
});

it("stops the deletions of a repository when their time is over, and goes on with the others", async () => {
  const source = new FakeTags({ a: { u: 5, v: 4, w: 3, x: 2, y: 1 }, b: { x: 2, y: 1 } });
  const timeout = new AbortController();
  source.onRemove = (repository, name) => {
    if (repository === "a" && name === "w") timeout.abort();
    return "removed";
  };
  const memory = newMemory();
  const limits = { deleteTagsServiceTimeout: 250, workerCapacity: 1 };
  let asked = 0;
  const report = await runCleanup(
    {
      ...{ source, memory, nowMs: () => NOW_MS },
      timeoutSignal: (seconds) => {
        expect(seconds).toBe(250);
        return asked++ === 0 ? timeout.signal : new AbortController().signal;
      },
    },
    parsePolicyFile(ALL, "policies.yml"),
    { dryRun: false, due: false, attempts: 1, limits: { ...DEFAULT_LIMITS, ...limits } },
  );
  expect(source.tagsOf("a")).toEqual(["w", "x", "y"]);
  expect(source.tagsOf("b")).toEqual(["y"]);
  expect(report).toMatchObject({ deleted: 3, failed: 0 });
  expect(report.repositories[0]?.notDeleted.map(({ why }) => why)).toEqual(["no time", "no time"]);
  expect(memory.lastRunOf("a")?.isUnfinished).toBe(true);
  await run(source, { memory, due: true });
  expect(source.tagsOf("a")).toEqual(["y"]);
});

describe("--due", () => {
  it("runs each policy when its cadence has passed, to the hour, and not before", async () => {
    const source = new FakeTags({ r: { a: 2, b: 1 } });
    const memory = newMemory();
    const at = async (days: number, hours = 0) => {
      const nowMs = NOW_MS + days * DAY_MS + hours * 3_600_000;
      return (await run(source, { memory, due: true, nowMs })).projects[0]?.state;
    };
    expect(await at(0)).toBe("done");
    expect(await at(0, 1)).toBe("not due");
    expect(await at(6, 22)).toBe("not due");
    expect(await at(6, 23)).toBe("done");
    expect(await at(7)).toBe("not due");
  });

  it("says when a policy is due again", async () => {
    const memory = newMemory();
    const source = new FakeTags({ r: { a: 1 } });
    await run(source, { memory });
    const report = await run(source, { memory, due: true, nowMs: NOW_MS + 1 });
    expect(report.projects[0]).toMatchObject({ state: "not due", nextRunAt: "2026-04-07T11:00:00.000Z" });
  });

  it("is not kept from running by a date in the future, as when a clock was wrong", async () => {
    const memory = newMemory();
    memory.setProject("r", { ranAtMs: NOW_MS + 900 * DAY_MS, isUnfinished: false });
    const report = await run(new FakeTags({ r: { a: 1 } }), { memory, due: true });
    expect(report.projects[0]?.state).toBe("done");
  });

  it("goes on with a list that was cut, run by run, and waits after its end", async () => {
    const source = new FakeTags({ r: { a: 9, b: 8, c: 6, d: 6, e: 5, f: 1 } });
    const policies = "policies: { r: { name_regex_delete: .*, older_than: 7d } }";
    const memory = newMemory();
    const states: unknown[] = [];
    for (let round = 0; round < 5; round++) {
      const options = { memory, policies, due: true, limit: { maxListSize: 2 }, nowMs: NOW_MS + round };
      const report = await run(source, options);
      states.push([report.projects[0]?.state, source.tagsOf("r").join("")]);
    }
    expect(states).toEqual([
      ["unfinished", "cdef"],
      ["unfinished", "cdef"],
      ["done", "cdef"],
      ["not due", "cdef"],
      ["not due", "cdef"],
    ]);
  });

  it("remembers nothing of a dry run", async () => {
    const memory = newMemory();
    const source = new FakeTags({ r: { a: 1, b: 2, c: 3 } });
    await run(source, { memory, dryRun: true, limit: { maxListSize: 1 } });
    expect(memory.lastRunOf("r")).toBeUndefined();
    expect(memory.continueAfter("r")).toBeUndefined();
    expect(source.tagsOf("r")).toHaveLength(3);
  });
});

describe("a stop", () => {
  it("ends the run between two batches and says how far it came", async () => {
    const source = new FakeTags({ a: { x: 3, y: 2, z: 1 }, b: { x: 2, y: 1 } });
    const stop = new AbortController();
    source.onRemove = (_repository, name) => {
      if (name === "y") stop.abort();
      return "removed";
    };
    const memory = newMemory();
    const running = run(source, { memory, signal: stop.signal, limit: { workerCapacity: 1 } });
    await expect(running).rejects.toThrow("stopped when 1 tag had been deleted");
    await expect(running).rejects.toBeInstanceOf(CancelledError);
    expect(source.tagsOf("b")).toEqual(["x", "y"]);
    expect(memory.lastRunOf("a")).toBeUndefined();
  });
});

describe("--max-delete", () => {
  it("looks at everything before anything is deleted", async () => {
    const source = new FakeTags({ a: { x: 1, y: 2 }, b: { w: 1, x: 2, y: 3, z: 4 } });
    await expect(run(source, { maxDeletePercent: 66 })).rejects.toThrow(RegistryStateError);
    expect(source.tagsOf("a")).toHaveLength(2);
    expect(source.tagsOf("b")).toHaveLength(4);
    expect(await run(source, { maxDeletePercent: 67 })).toMatchObject({ deleted: 4 });
  });

  it("has nothing against a registry without tags", async () => {
    expect(await run(new FakeTags({ a: {} }), { maxDeletePercent: 0 })).toMatchObject({ deleted: 0 });
  });
});

it("gives each repository to the most specific policy, one that is switched off included", async () => {
  const source = new FakeTags({ "g/a": { x: 1 }, "g/a/i": { x: 1 }, "g/b": { x: 1 }, h: { x: 1 } });
  const policies = `
policies:
  "g/*": { name_regex_delete: .* }
  g/a: { enabled: false }
`;
  const report = await run(source, { policies });
  expect(report.projects.map(({ project, policy, state }) => [project, policy, state])).toEqual([
    ["g/a", "g/a", "switched off"],
    ["g/b", "g/*", "done"],
  ]);
  expect(report.withoutPolicy).toBe(1);
  expect([...source.store].map(([, tags]) => tags.size)).toEqual([1, 1, 0, 1]);
});
