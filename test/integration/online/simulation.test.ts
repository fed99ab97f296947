import fc from "fast-check";
import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { Client, type ClientAction, pick, REPOSITORIES, TAGS } from "./clients.ts";
import { collectOnce } from "./collector.ts";
import { MANIFESTS } from "./contents.ts";
import { Oracle } from "./oracle.ts";
import { seedManifest } from "./seed.ts";
import { Turns } from "./turns.ts";
import { World } from "./world.ts";

/** How many interleavings are tried; a full run takes minutes. */
const RUNS = Number(process.env["ONLINE_INTERLEAVINGS"] ?? 2_000);

const current = vi.hoisted(() => ({ pause: (): Promise<void> => Promise.resolve() }));

vi.mock("node:timers/promises", () => ({
  setImmediate: () => current.pause(),
  setTimeout: () => current.pause(),
}));

// Pages for millions of digests would take half of the time.
vi.mock("../../../src/registry/graph/paged-array.ts", () => ({
  PagedArray: class SmallArray {
    readonly #values: number[] = [];
    static bytes = (): SmallArray => new SmallArray();
    static integers = (): SmallArray => new SmallArray();
    static numbers = (): SmallArray => new SmallArray();
    get = (index: number): number => this.#values[index] ?? 0;
    set = (index: number, value: number): void => {
      this.#values[index] = value;
    };
  },
}));

vi.mock("../../../src/registry/graph/digest-table.ts", async () => ({
  DigestTable: (await import("./small-digest-table.ts")).SmallDigestTable,
}));

const number = fc.nat(20);
const action: fc.Arbitrary<ClientAction> = fc.oneof(
  {
    weight: 6,
    arbitrary: fc.record({
      type: fc.constant("push" as const),
      what: number,
      repository: number,
      tag: fc.option(number, { nil: undefined }),
    }),
  },
  {
    weight: 3,
    arbitrary: fc.record({
      type: fc.constant("retag" as const),
      repository: number,
      from: number,
      to: number,
    }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("pull" as const), repository: number, tag: number }),
  },
  {
    weight: 2,
    arbitrary: fc.record({ type: fc.constant("delete-tag" as const), repository: number, tag: number }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("delete-manifest" as const), repository: number, what: number }),
  },
  {
    weight: 1,
    arbitrary: fc.record({ type: fc.constant("delete-blob" as const), repository: number, what: number }),
  },
);
const accident = fc.record({
  type: fc.constantFrom("crash-worker", "drain-worker", "crash-supervisor", "kill-collector", "collect"),
  which: number,
  /** Turns, or below 0: while something is removed for the so manieth time. */
  after: fc.oneof(fc.integer({ min: 0, max: 40 }), fc.integer({ min: -6, max: -1 })),
});
const scenario = fc.record({
  isRemote: fc.boolean(),
  knowsConditions: fc.boolean(),
  unansweredEvery: fc.constantFrom(0, 1, 2, 3, 5),
  leaseMs: fc.constantFrom(0, 0, 0, 1e9),
  deleteUntagged: fc.constantFrom(true, true, false),
  seeds: fc.array(
    fc.record({ what: number, repository: number, tag: fc.option(number, { nil: undefined }) }),
    {
      minLength: 2,
      maxLength: 5,
    },
  ),
  clients: fc.array(fc.array(action, { minLength: 1, maxLength: 3 }), { minLength: 1, maxLength: 3 }),
  accidents: fc.array(accident, { maxLength: 2 }),
});
type Scenario = typeof scenario extends fc.Arbitrary<infer T> ? T : never;

/** @returns what went wrong */
async function simulate(seed: number, wanted: Scenario): Promise<string[]> {
  const turns = new Turns(seed);
  const { pause } = turns;
  current.pause = pause;
  const store = new MemoryDriver();
  const oracle = new Oracle(store);
  for (const { what, repository, tag } of wanted.seeds) {
    const name = tag === undefined ? undefined : pick(TAGS, tag);
    const manifest = pick(MANIFESTS, what);
    await seedManifest(store, pick(REPOSITORIES, repository), manifest, name);
    if (name === undefined) continue;
    const place = { repository: pick(REPOSITORIES, repository), tag: name, digest: manifest.digest };
    oracle.noteTag({ ...place, startedAt: oracle.now(), endedAt: oracle.now() });
  }
  for (const repository of REPOSITORIES) {
    for (const tag of TAGS) {
      oracle.noteTag({ repository, tag, digest: undefined, startedAt: 0, endedAt: 0 });
    }
  }
  const { isRemote, leaseMs, unansweredEvery, knowsConditions } = wanted;
  const world = new World({ pause, store, isRemote, leaseMs, unansweredEvery, knowsConditions });
  const wrong: string[] = [];
  let kill = (): void => {};
  let last = Promise.resolve();
  // A server runs one at a time.
  const collect = (): Promise<void> => {
    last = last.then(collectNow);
    return last;
  };
  const collectNow = async (): Promise<void> => {
    const collector = await world.collect(async (gate, driver) => {
      await collectOnce(gate, driver, wanted.deleteUntagged).catch((error: unknown) => {
        wrong.push(`the collector failed: ${error instanceof Error ? error.stack : error}`);
      });
    });
    kill = collector.kill;
    await collector.ended;
  };
  const first = collect();
  const clients = wanted.clients.map(async (actions, index) => {
    const client = new Client(world, oracle, wrong, index);
    for (const each of actions) {
      await pause();
      await client.run(each);
    }
  });
  const accidents = wanted.accidents.map(async ({ type, which, after }) => {
    for (let left = after; left > 0; left--) await pause();
    for (let left = after; left < 0; left++) await Promise.race([world.nextRemoval(), first]);
    if (type === "crash-worker") world.crashWorker(which);
    else if (type === "drain-worker") await world.drainWorker(which);
    else if (type === "crash-supervisor") await world.crashSupervisor();
    else if (type === "kill-collector") kill();
    else await collect();
  });
  let isDone = false;
  const all = Promise.all([...clients, ...accidents, first]).then(() => {
    isDone = true;
  });
  await turns.run();
  if (!isDone) return ["somebody waits for ever"];
  await all;
  return [...wrong, ...oracle.incomplete(REPOSITORIES), ...oracle.wrongTags(), ...oracle.lostReferrers()];
}

describe("a collection beside a server that takes writes", () => {
  const { stackTraceLimit } = Error;

  // No time passes, and nobody looks at where an expected error was made.
  beforeAll(() => {
    const timer = { unref: () => timer, refresh: () => timer };
    vi.stubGlobal("setTimeout", () => timer);
    vi.stubGlobal("clearTimeout", () => {});
    Error.stackTraceLimit = 0;
  });
  afterAll(() => {
    vi.unstubAllGlobals();
    Error.stackTraceLimit = stackTraceLimit;
  });

  it(`leaves every manifest whole, in ${RUNS} interleavings`, { timeout: 7_200_000 }, async () => {
    let runs = 0;
    await fc.assert(
      fc.asyncProperty(fc.integer(), scenario, async (seed, wanted) => {
        runs++;
        const wrong = await simulate(seed, wanted);
        if (wrong.length > 0) throw new Error(wrong.join("\n"));
      }),
      { numRuns: RUNS, endOnFailure: process.env["ONLINE_SHRINK"] === undefined },
    );
    expect(runs).toBeGreaterThanOrEqual(RUNS);
  });
});
