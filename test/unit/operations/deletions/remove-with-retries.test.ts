import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import {
  type RemovalWait,
  type RetriedRemovalOptions,
  removeWithRetries,
} from "../../../../src/operations/deletions/remove-with-retries.ts";
import type {
  RemovalOptions,
  RemovalOutcome,
  TagSource,
  TagTarget,
} from "../../../../src/operations/tags/tag-source.ts";
import { Deletions } from "../../../../src/state/deletions.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

const DIGEST = digestOf(Buffer.from("manifest"), "sha256");

/** What becomes of a tag, attempt by attempt; the last one stays. */
type Script = Record<string, (RemovalOutcome["kind"] | "passing")[]>;

function faultySource(script: Script, onCall?: (call: number) => void) {
  const calls: TagTarget[][] = [];
  const source: TagSource = {
    location: "memory",
    repositories: () => (async function* () {})(),
    names: async () => [],
    tags: async () => [],
    facts: async () => [],
    manifests: () => ({ manifest: async () => undefined }),
    async remove(_repository: string, tags: readonly TagTarget[], { signal, onOutcome }: RemovalOptions) {
      calls.push([...tags]);
      onCall?.(calls.length);
      for (const { name } of tags) {
        if (signal?.aborted) throw new CancelledError();
        const steps = script[name] ?? [];
        const kind = steps[Math.min(calls.length, steps.length) - 1] ?? "removed";
        if (kind === "passing") onOutcome({ name, kind: "failed", reason: "busy", isPassing: true });
        else onOutcome(kind === "failed" ? { name, kind, reason: "denied" } : { name, kind });
      }
    },
  };
  return { source, calls };
}

async function remove(
  script: Script,
  options: Partial<RetriedRemovalOptions> = {},
  onCall?: (call: number) => void,
) {
  const { source, calls } = faultySource(script, onCall);
  const deletions = new Deletions({
    folder: await temporaryFolder(),
    onProblem: (text) => expect.fail(text),
  });
  const outcomes: RemovalOutcome[] = [];
  const waits: RemovalWait[] = [];
  const tags = Object.keys(script).map((name) => ({ name, digest: DIGEST }));
  const run = (more: Partial<RetriedRemovalOptions> = {}): Promise<void> =>
    removeWithRetries(source, "group/app", tags, {
      onOutcome: (outcome) => outcomes.push(outcome),
      onWait: (wait) => waits.push(wait),
      wait: async () => {},
      random: () => 0.5,
      deletions,
      ...options,
      ...more,
    });
  return { run, calls, deletions, outcomes, waits };
}

describe("removeWithRetries", () => {
  it("removes what does not fail at once", async () => {
    const { run, calls, outcomes, waits, deletions } = await remove({ v1: ["removed"], v2: ["gone"] });
    await run();
    expect(outcomes).toEqual([
      { name: "v1", kind: "removed" },
      { name: "v2", kind: "gone" },
    ]);
    expect([calls.length, waits.length, deletions.list().length]).toEqual([1, 0, 0]);
  });

  it("tries again only what may pass, with waits that grow, and tells each outcome once", async () => {
    const { run, calls, outcomes, waits, deletions } = await remove({
      v1: ["passing", "passing", "passing", "removed"],
      v2: ["removed"],
      v3: ["passing", "moved"],
      v4: ["failed"],
    });
    await run();
    expect(calls.map((tags) => tags.map(({ name }) => name))).toEqual([
      ["v1", "v2", "v3", "v4"],
      ["v1", "v3"],
      ["v1"],
      ["v1"],
    ]);
    expect(waits.map(({ waitMs, failed }) => [waitMs, failed])).toEqual([
      [750, 2],
      [1500, 1],
      [3000, 1],
    ]);
    expect(outcomes.map(({ name, kind }) => `${name} ${kind}`).sort()).toEqual([
      "v1 removed",
      "v2 removed",
      "v3 moved",
      "v4 failed",
    ]);
    expect(deletions.list()).toMatchObject([
      { name: "v4", state: "delete_failed", attempts: 1, reason: "denied", digest: DIGEST },
    ]);
  });

  it("gives up after eleven attempts, and remembers that", async () => {
    const { run, calls, outcomes, waits, deletions } = await remove({ v1: ["passing"] });
    await run();
    expect(calls).toHaveLength(11);
    expect(outcomes).toEqual([{ name: "v1", kind: "failed", reason: "busy", isPassing: true }]);
    expect(Math.max(...waits.map(({ waitMs }) => waitMs))).toBe(45_000);
    expect(deletions.list()).toMatchObject([{ name: "v1", attempts: 11, reason: "busy" }]);
  });

  it("does as often as it is told", async () => {
    const { run, calls, deletions } = await remove({ v1: ["passing"] }, { attempts: 1 });
    await run();
    expect([calls.length, deletions.list().length]).toEqual([1, 1]);
  });

  it.each(["removed", "gone", "moved"] as const)("forgets what had failed and is %s now", async (kind) => {
    const { run, deletions } = await remove({ v1: [kind] });
    const record = { repository: "group/app", name: "v1", attempts: 1, reason: "busy" } as const;
    await deletions.recordFailed([record, { ...record, repository: "group/other" }]);
    await run();
    expect(deletions.list().map(({ repository }) => repository)).toEqual(["group/other"]);
  });

  it("remembers what was waiting when somebody asks to stop, and not what was never begun", async () => {
    const stop = new AbortController();
    const { run, calls, outcomes, deletions } = await remove({ v1: ["passing"], v2: ["removed"] });
    const wait = async (): Promise<void> => {
      stop.abort();
      throw new CancelledError();
    };
    await expect(run({ signal: stop.signal, wait })).rejects.toThrow(CancelledError);
    expect(calls).toHaveLength(1);
    expect(outcomes.map(({ kind }) => kind)).toEqual(["removed", "failed"]);
    expect(deletions.list()).toMatchObject([{ name: "v1", reason: "busy" }]);

    const never = await remove({ v1: ["removed"] });
    await expect(never.run({ signal: AbortSignal.abort() })).rejects.toThrow(CancelledError);
    expect(never.outcomes).toEqual([]);
    expect(never.deletions.list()).toEqual([]);
  });

  it("ends its wait when somebody asks to stop", async () => {
    const stop = new AbortController();
    const { run, deletions } = await remove({ v1: ["passing"] }, { firstWaitMs: 60_000 }, () =>
      setImmediate(() => stop.abort()),
    );
    await expect(run({ signal: stop.signal, wait: undefined })).rejects.toThrow(CancelledError);
    expect(deletions.list()).toHaveLength(1);
  });

  it("remembers all that was left where the source itself fails", async () => {
    const { run, deletions } = await remove({ v1: ["removed"], v2: ["removed"] }, {}, () => {
      throw new Error("the store is gone");
    });
    await expect(run()).rejects.toThrow("the store is gone");
    expect(deletions.list().map(({ name, reason }) => [name, reason])).toEqual([
      ["v1", "the store is gone"],
      ["v2", "the store is gone"],
    ]);
  });
});
