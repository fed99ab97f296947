import { beforeEach, describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../src/errors.ts";
import { RunLostError } from "../../../src/registry/apply/run-lost-error.ts";
import { ApiError } from "../../../src/server/api-error.ts";
import type { Pin } from "../../../src/server/coordination/coordination.ts";
import { NoSliceRecords } from "../../../src/state/slice-records.ts";
import { isPending, Stage, type StagedWorker, tick } from "./stage.ts";

const A = `sha256:${"a".repeat(64)}`;
const B = `sha256:${"b".repeat(64)}`;

function atOnce(pin: Pin | Promise<Pin>): Pin {
  if (pin instanceof Promise) throw new Error("the pin does not hold yet");
  return pin;
}

describe("what a collection leaves beside two workers", () => {
  let stage: Stage;
  let one: StagedWorker;
  let two: StagedWorker;

  beforeEach(() => {
    stage = new Stage();
    one = stage.start(1);
    two = stage.start(2);
  });

  it("is what a request that began before the collection relied on, though it ends before the slice", async () => {
    const pin = atOnce(one.coordination.pin([A]));
    await stage.begin();
    pin.release();
    expect(await stage.condemn(1, [A, B])).toEqual([A]);
  });

  it("is what a request has relied on since, in whatever worker", async () => {
    await stage.begin();
    atOnce(two.coordination.pin([B])).release();
    expect(await stage.condemn(1, [A, B])).toEqual([B]);
  });

  it("is nothing of requests that had ended before all workers knew of it", async () => {
    atOnce(one.coordination.pin([A])).release();
    await stage.begin();
    expect(await stage.condemn(1, [A])).toEqual([]);
  });

  it("does not begin before every worker remembers what is relied on", async () => {
    const begun = stage.barrier.begin();
    stage.toWorker(one);
    stage.toSupervisor(one);
    expect(await isPending(begun)).toBe(true);
    stage.toWorker(two);
    stage.toSupervisor(two);
    await begun;
  });

  it("begins although a worker ends meanwhile: what it had acknowledged is in the store by then", async () => {
    const begun = stage.barrier.begin();
    stage.toWorker(one);
    stage.toSupervisor(one);
    stage.crash(two);
    await begun;
    expect(await stage.condemn(1, [A])).toEqual([]);
  });

  it("is what the dead had leased", async () => {
    stage.leased.add(A);
    await stage.begin();
    expect(await stage.condemn(1, [A, B])).toEqual([A]);
  });
});

describe("a request that relies on a condemned key", () => {
  let stage: Stage;
  let one: StagedWorker;
  let two: StagedWorker;

  beforeEach(async () => {
    stage = new Stage();
    one = stage.start(1);
    two = stage.start(2);
    await stage.begin();
  });

  it("keeps it as long as not all workers have answered", async () => {
    const condemned = stage.barrier.condemn(1, [A, B]);
    stage.toWorker(one);
    stage.toSupervisor(one);
    const pinning = one.coordination.pin([A]);
    stage.toSupervisor(one);
    stage.toWorker(one);
    await pinning;
    stage.toWorker(two);
    stage.toSupervisor(two);
    expect([...(await condemned)]).toEqual([A]);
  });

  it("waits for the end of the slice once it may be gone, and looks at the store again", async () => {
    expect(await stage.condemn(1, [A])).toEqual([]);
    const pinning = Promise.resolve(two.coordination.pin([A]));
    await stage.settle();
    expect(await isPending(pinning)).toBe(true);
    await stage.barrier.conclude(1);
    await stage.settle();
    await pinning;
  });

  it("is told so although its question crosses the end of the slice", async () => {
    expect(await stage.condemn(1, [A])).toEqual([]);
    const pinning = Promise.resolve(two.coordination.pin([A]));
    await stage.barrier.conclude(1);
    stage.toSupervisor(two);
    expect(two.toWorker.map(({ type }) => type)).toEqual(["slice-withdraw", "pin-answer"]);
    await stage.settle();
    await pinning;
  });

  it("holds what another worker needs too, without waiting", async () => {
    const held = atOnce(one.coordination.pin([A]));
    expect(await stage.condemn(1, [A])).toEqual([A]);
    const pinning = Promise.resolve(two.coordination.pin([A]));
    await stage.settle();
    await pinning;
    held.release();
  });

  it("keeps it from all later slices", async () => {
    expect(await stage.condemn(1, [A])).toEqual([]);
    const pinning = Promise.resolve(two.coordination.pin([A, B]));
    await stage.settle();
    await stage.barrier.conclude(1);
    await stage.settle();
    (await pinning).release();
    expect(await stage.condemn(2, [B])).toEqual([B]);
  });
});

describe("a worker that does not answer", () => {
  it("stops the collection with nothing condemned, and is not believed later", async () => {
    const stage = new Stage({ replyWithinMs: 20 });
    const one = stage.start(1);
    const two = stage.start(2);
    const begun = stage.barrier.begin();
    await stage.settle();
    await begun;
    const condemned = stage.barrier.condemn(1, [A]);
    await expect(condemned).rejects.toThrow(RegistryStateError);
    expect(one.toWorker.map(({ type }) => type)).toEqual([
      ...["slice-propose", "slice-withdraw", "slice-propose"],
      ...["slice-withdraw", "slice-propose", "slice-withdraw"],
    ]);
    const replies = stage.settle();
    await replies;
    expect(two.coordination.pin([A])).not.toBeInstanceOf(Promise);
  });

  it("does not begin either", async () => {
    const stage = new Stage({ replyWithinMs: 20 });
    stage.start(1);
    await expect(stage.barrier.begin()).rejects.toThrow("did not answer");
    await expect(stage.barrier.condemn(1, [A])).rejects.toThrow(RegistryStateError);
  });
});

describe("a worker that ends while a collection runs", () => {
  let stage: Stage;
  let one: StagedWorker;
  let two: StagedWorker;

  beforeEach(async () => {
    stage = new Stage();
    one = stage.start(1);
    two = stage.start(2);
    await stage.begin();
  });

  it("without a word, stops all further slices until it is planned anew", async () => {
    atOnce(two.coordination.pin([A])).release();
    stage.crash(two);
    await expect(stage.barrier.condemn(1, [A])).rejects.toThrow(RunLostError);
    stage.start(3);
    await stage.begin();
    expect(await stage.condemn(2, [A])).toEqual([]);
  });

  it("without a word, before its answer, stops the slice that waits for it", async () => {
    const condemned = stage.barrier.condemn(1, [A]);
    stage.toWorker(one);
    stage.toSupervisor(one);
    stage.crash(two);
    await expect(condemned).rejects.toThrow(RunLostError);
    await stage.settle();
    expect(one.coordination.pin([A])).not.toBeInstanceOf(Promise);
  });

  it("without a word, does not end a slice that is decided: its keys wait for their end", async () => {
    expect(await stage.condemn(1, [A])).toEqual([]);
    stage.crash(two);
    const pinning = Promise.resolve(one.coordination.pin([A]));
    await stage.settle();
    expect(await isPending(pinning)).toBe(true);
    await stage.barrier.conclude(1);
    await stage.settle();
    await pinning;
  });

  it("in order, hands over what its requests have relied on", async () => {
    atOnce(two.coordination.pin([A])).release();
    stage.drain(two);
    expect(await stage.condemn(1, [A, B])).toEqual([A]);
  });

  it("in order, before its answer, answers by what it hands over", async () => {
    atOnce(two.coordination.pin([B])).release();
    const condemned = stage.barrier.condemn(1, [A, B]);
    stage.toWorker(one);
    stage.toSupervisor(one);
    expect(await isPending(condemned)).toBe(true);
    stage.drain(two);
    expect([...(await condemned)]).toEqual([B]);
  });

  it("in order, can pin nothing more when it has said goodbye", () => {
    two.coordination.goodbye();
    expect(() => two.coordination.pin([A])).toThrow("about to end");
  });

  it("before it has listened, had no requests", async () => {
    stage.start(3);
    stage.barrier.ended(3, false);
    stage.workers.delete(3);
    expect(await stage.condemn(1, [A])).toEqual([]);
  });
});

describe("a worker that begins while a collection runs", () => {
  it("remembers what its requests rely on, and knows what is condemned", async () => {
    const stage = new Stage();
    stage.start(1);
    await stage.begin();
    expect(await stage.condemn(1, [A])).toEqual([]);
    const late = stage.start(2);
    atOnce(late.coordination.pin([B])).release();
    const pinning = Promise.resolve(late.coordination.pin([A]));
    await stage.settle();
    expect(await isPending(pinning)).toBe(true);
    await stage.barrier.conclude(1);
    await stage.settle();
    await pinning;
    expect(await stage.condemn(2, [A, B])).toEqual([A, B]);
  });

  it("is asked from its order on, though it has not listened yet", async () => {
    const stage = new Stage();
    stage.start(1);
    await stage.begin();
    const late = stage.start(2);
    const condemned = stage.barrier.condemn(1, [A]);
    for (const worker of [...stage.workers.values()].filter(({ id }) => id === 1)) {
      stage.toWorker(worker);
      stage.toSupervisor(worker);
    }
    expect(await isPending(condemned)).toBe(true);
    stage.toWorker(late);
    stage.toSupervisor(late);
    expect([...(await condemned)]).toEqual([]);
  });
});

describe("a collector that ends in the middle of a slice", () => {
  it("lets go of it where nothing comes late", async () => {
    const stage = new Stage();
    const one = stage.start(1);
    await stage.begin();
    expect(await stage.condemn(1, [A])).toEqual([]);
    const pinning = Promise.resolve(one.coordination.pin([A]));
    await stage.settle();
    stage.barrier.end();
    await stage.settle();
    await pinning;
    expect(one.coordination.pin([A])).not.toBeInstanceOf(Promise);
  });

  it("leaves it refused where the store may still carry it out, with the time after which to try again", async () => {
    const stage = new Stage({ mayComeLate: true });
    const one = stage.start(1);
    const held = atOnce(one.coordination.pin([B]));
    await stage.begin();
    expect(await stage.condemn(1, [A, B])).toEqual([B]);
    const pinning = Promise.resolve(one.coordination.pin([A]));
    const refused = expect(pinning).rejects.toMatchObject({
      key: "UNAVAILABLE",
      headers: { "Retry-After": "1500" },
    });
    await stage.settle();
    stage.barrier.end();
    await stage.settle();
    await refused;
    expect(() => one.coordination.pin([A])).toThrow(ApiError);
    expect(() => stage.start(2).coordination.pin([A])).toThrow(ApiError);
    held.release();
    expect(one.coordination.pin([B])).not.toBeInstanceOf(Promise);
  });

  it("leaves nothing refused of a slice that was not decided", async () => {
    const stage = new Stage({ mayComeLate: true });
    const one = stage.start(1);
    await stage.begin();
    const condemned = stage.barrier.condemn(1, [A]);
    stage.toWorker(one);
    stage.barrier.end();
    await expect(condemned).rejects.toThrow(RegistryStateError);
    await stage.settle();
    expect(one.coordination.pin([A])).not.toBeInstanceOf(Promise);
  });

  it("refuses what it says itself to be unknown, and nothing else of its slice", async () => {
    const stage = new Stage({ mayComeLate: true });
    const one = stage.start(1);
    await stage.begin();
    expect(await stage.condemn(1, [A, B])).toEqual([]);
    await stage.barrier.conclude(1, { keys: [A], untilMs: 60_000 });
    await stage.settle();
    expect(() => one.coordination.pin([A])).toThrow(ApiError);
    expect(one.coordination.pin([B])).not.toBeInstanceOf(Promise);
  });
});

describe("processes that cannot be written down for the next server", () => {
  it("keep anything from being condemned", async () => {
    const children = { add: () => {}, remove: () => {}, isComplete: true };
    const stage = new Stage({ children });
    stage.start(1);
    await stage.begin();
    children.isComplete = false;
    await expect(stage.barrier.condemn(1, [A])).rejects.toThrow(RegistryStateError);
    await expect(stage.barrier.begin()).rejects.toThrow("cannot be written down");
    children.isComplete = true;
    expect(await stage.condemn(2, [A])).toEqual([]);
  });
});

describe("a slice that cannot be remembered for the next server", () => {
  it("is neither condemned nor granted", async () => {
    const records = new NoSliceRecords(true);
    records.open = () => {
      throw new Error("ENOSPC: no space left on device");
    };
    const stage = new Stage({ records });
    const one = stage.start(1);
    await stage.begin();
    await expect(stage.barrier.condemn(1, [A])).rejects.toThrow("ENOSPC");
    expect(one.coordination.pin([A])).not.toBeInstanceOf(Promise);
    await expect(untilSettled(stage, one.coordination.exclude([B]))).rejects.toMatchObject({
      key: "UNAVAILABLE",
    });
  });
});

describe("a delete that a client wants", () => {
  let stage: Stage;
  let one: StagedWorker;
  let two: StagedWorker;

  beforeEach(() => {
    stage = new Stage();
    one = stage.start(1);
    two = stage.start(2);
  });

  it("waits for what is being written on top of it, and keeps others waiting", async () => {
    const writing = atOnce(two.coordination.pin([A], "writing"));
    const excluding = one.coordination.exclude([A]);
    await stage.settle();
    expect(await isPending(excluding)).toBe(true);
    writing.release();
    const exclusion = await untilSettled(stage, excluding);
    const pinning = Promise.resolve(two.coordination.pin([A], "writing"));
    await stage.settle();
    expect(await isPending(pinning)).toBe(true);
    exclusion.release(false);
    await stage.settle();
    await pinning;
  });

  it("does not wait for readers, however long they read", async () => {
    const reading = atOnce(two.coordination.pin([A]));
    const exclusion = await untilSettled(stage, one.coordination.exclude([A]));
    exclusion.release(false);
    reading.release();
  });

  it("keeps those waiting who asked of the one before, though they hear of both ends at once", async () => {
    const first = await untilSettled(stage, one.coordination.exclude([A]));
    const pinning = Promise.resolve(two.coordination.pin([A], "writing"));
    first.release(false);
    stage.toSupervisor(one);
    stage.toSupervisor(two);
    const excluding = one.coordination.exclude([A]);
    stage.toSupervisor(one);
    expect(two.toWorker.map(({ type }) => type)).toEqual(["slice-withdraw", "pin-answer", "slice-propose"]);
    // What lies in a channel is read before any promise goes on.
    while (two.toWorker.length > 0) stage.toWorker(two);
    const second = await untilSettled(stage, excluding);
    expect(await isPending(pinning)).toBe(true);
    second.release(false);
    await stage.settle();
    await pinning;
  });

  it("ends with its worker", async () => {
    await untilSettled(stage, one.coordination.exclude([A]));
    stage.crash(one);
    await stage.settle();
    expect(two.coordination.pin([A])).not.toBeInstanceOf(Promise);
  });

  it("does not wait for the dead", async () => {
    atOnce(two.coordination.pin([A], "writing"));
    const excluding = one.coordination.exclude([A]);
    stage.toSupervisor(one);
    stage.crash(two);
    (await untilSettled(stage, excluding)).release(false);
  });

  it("leaves what it was about refused if the store may still carry it out", async () => {
    stage = new Stage({ mayComeLate: true });
    one = stage.start(1);
    (await untilSettled(stage, one.coordination.exclude([A]))).release(true);
    await stage.settle();
    expect(() => one.coordination.pin([A])).toThrow(ApiError);
  });
});

describe("a tag that the store may still write", () => {
  const TAG = "app:v1";
  let stage: Stage;
  let one: StagedWorker;
  let two: StagedWorker;

  beforeEach(() => {
    stage = new Stage({ mayComeLate: true, replyWithinMs: 20 });
    one = stage.start(1);
    two = stage.start(2);
  });

  it("is not acknowledged before every worker refuses to give it another content", async () => {
    const refusing = one.coordination.refuse([TAG], A);
    stage.toSupervisor(one);
    stage.toWorker(one);
    stage.toSupervisor(one);
    expect(await isPending(refusing)).toBe(true);
    expect(two.coordination.pin([TAG], "writing", B)).not.toBeInstanceOf(Promise);
    stage.toWorker(two);
    expect(() => two.coordination.pin([TAG], "writing", B)).toThrow(ApiError);
    stage.toSupervisor(two);
    await stage.settle();
    await refusing;
    expect(() => one.coordination.pin([TAG], "writing", B)).toThrow(ApiError);
  });

  it("waits for a worker that is slow, and for none that has ended", async () => {
    const refusing = one.coordination.refuse([TAG], A);
    stage.toSupervisor(one);
    await new Promise((resolve) => setTimeout(resolve, 50));
    stage.toWorker(one);
    stage.toSupervisor(one);
    expect(await isPending(refusing)).toBe(true);
    stage.crash(two);
    await untilSettled(stage, refusing);
  });

  it("can be given the same content again, and be relied on, and its manifest too", async () => {
    await untilSettled(stage, one.coordination.refuse([TAG, `app@${A}`], A));
    for (const { coordination } of [one, two]) {
      expect(coordination.pin([TAG], "writing", A)).not.toBeInstanceOf(Promise);
      expect(coordination.pin([`app@${A}`], "writing")).not.toBeInstanceOf(Promise);
    }
  });

  it("cannot be removed, by whoever asks before or afterwards", async () => {
    const writing = atOnce(one.coordination.pin([TAG], "writing", A));
    const excluding = two.coordination.exclude([TAG]);
    const refused = expect(excluding).rejects.toMatchObject({
      key: "UNAVAILABLE",
      headers: { "Retry-After": "1500" },
    });
    await stage.settle();
    await untilSettled(stage, one.coordination.refuse([TAG], A));
    writing.release();
    await untilSettled(
      stage,
      excluding.catch(() => undefined),
    );
    await refused;
    await expect(one.coordination.exclude([TAG])).rejects.toThrow(ApiError);
    await stage.settle();
    // Nobody waits for the removal that was not carried out.
    expect(one.coordination.pin([TAG], "writing", A)).not.toBeInstanceOf(Promise);
  });

  it("is known to workers that begin later", async () => {
    await untilSettled(stage, one.coordination.refuse([TAG], A));
    const late = stage.start(3);
    expect(() => late.coordination.pin([TAG], "writing", B)).toThrow(ApiError);
    expect(late.coordination.pin([TAG], "writing", A)).not.toBeInstanceOf(Promise);
  });
});

async function untilSettled<T>(stage: Stage, promise: Promise<T>): Promise<T> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  while (!isSettled) {
    await stage.settle();
    await tick();
  }
  return promise;
}
