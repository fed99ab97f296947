import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { SingleProcessCoordination } from "../../../../src/server/coordination/single-process.ts";
import { TAKEOVER_AFTER_MS } from "../../../../src/server/coordination/upload-queue.ts";
import { LeaseLog } from "../../../../src/state/lease-log.ts";
import { silentLogger } from "../../../support/silent-logger.ts";

const forever = new AbortController().signal;

describe("SingleProcessCoordination", () => {
  let coordination: SingleProcessCoordination;

  beforeEach(() => {
    coordination = new SingleProcessCoordination(new LeaseLog({ folder: undefined, logger: silentLogger }));
  });

  afterEach(() => {
    vi.useRealTimers();
  });

  it("gives an upload to one request after the other", async () => {
    const first = await coordination.acquireUpload("u", forever);
    const order: string[] = [];
    const second = coordination.acquireUpload("u", forever).then((grant) => {
      order.push("second");
      return grant;
    });
    await Promise.resolve();
    order.push("released");
    first.release();
    (await second).release();
    expect(order).toEqual(["released", "second"]);
  });

  it("stops waiting with the request, and leaves the place to the next", async () => {
    const first = await coordination.acquireUpload("u", forever);
    const impatient = new AbortController();
    const second = coordination.acquireUpload("u", impatient.signal);
    const third = coordination.acquireUpload("u", forever);
    impatient.abort();
    await expect(second).rejects.toThrow(CancelledError);
    first.release();
    expect((await third).lost.aborted).toBe(false);
  });

  it("refuses a request that has ended already", async () => {
    await expect(coordination.acquireUpload("u", AbortSignal.abort())).rejects.toThrow(CancelledError);
    expect((await coordination.acquireUpload("u", forever)).lost.aborted).toBe(false);
  });

  it("keeps the upload of a request that ends after it got it, until it releases", async () => {
    const request = new AbortController();
    const first = await coordination.acquireUpload("u", request.signal);
    let granted = false;
    const second = coordination.acquireUpload("u", forever).then(() => {
      granted = true;
    });
    request.abort();
    await Promise.resolve();
    expect(granted).toBe(false);
    first.release();
    await second;
    expect(granted).toBe(true);
  });

  it("tells the holder that it has lost the upload when another waits", async () => {
    vi.useFakeTimers();
    const first = await coordination.acquireUpload("u", forever);
    const second = coordination.acquireUpload("u", forever);
    vi.advanceTimersByTime(TAKEOVER_AFTER_MS);
    expect(first.lost.aborted).toBe(true);
    first.release();
    expect((await second).lost.aborted).toBe(false);
  });

  it("leaves to a collector what is neither pinned nor leased", () => {
    coordination.lease([`sha256:${"a".repeat(64)}`]);
    coordination.flushLeases();
    void coordination.pin([`sha256:${"b".repeat(64)}`]);
    const keys = ["a", "b", "c"].map((character) => `sha256:${character.repeat(64)}`);
    expect(coordination.pins.propose(1, keys)).toEqual(keys.slice(0, 2));
  });
});
