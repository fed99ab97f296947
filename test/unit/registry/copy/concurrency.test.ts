import { describe, expect, test } from "vitest";
import { Concurrency, SMALL_FILES_AT_ONCE } from "../../../../src/registry/copy/concurrency.ts";

describe("Concurrency", () => {
  test("climbs as long as throughput grows with it, up to its bound", () => {
    const store = new SimulatedStore((limit) => limit * 20);
    expect(store.concurrency.limit).toBe(SMALL_FILES_AT_ONCE.first);
    store.run(60);
    expect(store.concurrency.limit).toBeGreaterThan(100);
  });

  test("stays near where more gains nothing", () => {
    const store = new SimulatedStore((limit) => Math.min(limit, 48) * 20);
    store.run(100);
    expect(store.concurrency.limit).toBeGreaterThanOrEqual(40);
    expect(store.concurrency.limit).toBeLessThanOrEqual(100);
  });

  test("goes back where more costs throughput", () => {
    const store = new SimulatedStore((limit) => (limit > 60 ? 200 : limit * 20));
    store.run(60);
    expect(store.concurrency.limit).toBeLessThanOrEqual(62);
  });

  test("halves when the store is too busy, once for all that was under way, and no lower than its bound", () => {
    const store = new SimulatedStore((limit) => limit * 20);
    store.run(1);
    const before = store.concurrency.limit;
    store.passSeconds(0.5);
    store.concurrency.slowDown();
    store.concurrency.slowDown();
    store.end();
    store.concurrency.slowDown();
    store.end();
    expect(store.concurrency.limit).toBe(Math.round(before / 2));
    for (let times = 0; times < 10; times++) {
      store.passSeconds(0.5);
      store.concurrency.slowDown();
      store.end();
    }
    expect(store.concurrency.limit).toBe(SMALL_FILES_AT_ONCE.least);
    store.run(300);
    expect(store.concurrency.limit).toBeGreaterThan(100);
  });

  test("halves when much fails, and not for a failure here and there", () => {
    const store = new SimulatedStore(() => 100);
    for (let number = 0; number < 90; number++) store.end({ hasFailed: number % 30 === 0 });
    expect(store.concurrency.limit).toBe(SMALL_FILES_AT_ONCE.first);
    for (let number = 0; number < 12; number++) store.end({ hasFailed: true });
    expect(store.concurrency.limit).toBe(SMALL_FILES_AT_ONCE.first / 2);
  });

  test("learns nothing while nobody waits", () => {
    const store = new SimulatedStore(() => 100);
    for (let second = 0; second < 30; second++) {
      store.passSeconds(1);
      for (let number = 0; number < 500; number++) store.end({ isWaiting: false });
    }
    expect(store.concurrency.limit).toBe(SMALL_FILES_AT_ONCE.first);
  });

  test("stays as it was set", () => {
    const concurrency = Concurrency.fixed(3);
    concurrency.slowDown();
    for (let number = 0; number < 500; number++) concurrency.ended({ hasFailed: true, isWaiting: true });
    expect(concurrency.limit).toBe(3);
  });
});

/** Time passes as so many copies end in a second as the store manages. */
class SimulatedStore {
  readonly concurrency: Concurrency;
  readonly #perSecond: (limit: number) => number;
  #nowMs = 0;

  constructor(perSecond: (limit: number) => number) {
    this.#perSecond = perSecond;
    this.concurrency = new Concurrency(SMALL_FILES_AT_ONCE, () => this.#nowMs);
  }

  passSeconds(seconds: number): void {
    this.#nowMs += seconds * 1000;
  }

  end(how: { hasFailed?: boolean; isWaiting?: boolean } = {}): void {
    this.concurrency.ended({ hasFailed: false, isWaiting: true, ...how });
  }

  run(seconds: number): void {
    const endMs = this.#nowMs + seconds * 1000;
    while (this.#nowMs < endMs) {
      this.#nowMs += 1000 / this.#perSecond(this.concurrency.limit);
      this.end();
    }
  }
}
