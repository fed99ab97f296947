import type { Worker } from "node:cluster";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { plainBarrier } from "../../../../src/process/collector/collection-barrier.ts";
import { drainWorker } from "../../../../src/process/workers/drain-worker.ts";
import { WorkerSeat } from "../../../../src/process/workers/worker-seat.ts";
import { newWorkerState, type WorkerState } from "../../../../src/process/workers/worker-state.ts";
import { recordingLogger } from "../../../support/recording-logger.ts";

let deeds: string[];
let isDead: boolean;
let answer: boolean;

beforeEach(() => {
  vi.useFakeTimers();
  [deeds, isDead, answer] = [[], false, true];
});

afterEach(() => {
  vi.useRealTimers();
});

const SEAT = new WorkerSeat(plainBarrier(recordingLogger([])), () => {});

function drain(drainTimeoutMs: number, isListening = true): WorkerState {
  const worker = {
    isConnected: () => true,
    isDead: () => isDead,
    send: ({ type }: { type: string }) => void deeds.push(type),
    process: {
      kill(signal: string) {
        deeds.push(signal);
        isDead = true;
      },
    },
  };
  const state = newWorkerState(worker as unknown as Worker, undefined, SEAT);
  if (isListening) state.listeningMs = 1;
  drainWorker(state, { gently: true, drainTimeoutMs, answers: async () => answer });
  return state;
}

describe("a worker that is to end", () => {
  it("is killed when it takes much longer than http.draintimeout", async () => {
    const state = drain(5_000);
    expect(state.draining).toBe(true);
    await vi.advanceTimersByTimeAsync(94_000);
    expect(deeds).toEqual(["drain"]);
    await vi.advanceTimersByTimeAsync(2_000);
    expect(deeds).toEqual(["drain", "SIGKILL"]);
  });

  it("is killed soon if it never listened, also without a limit", async () => {
    drain(0, false);
    await vi.advanceTimersByTimeAsync(11_000);
    expect(deeds).toEqual(["drain", "SIGKILL"]);
  });

  it("may take as long as it likes without a limit, while it says what it does", async () => {
    drain(0);
    await vi.advanceTimersByTimeAsync(24 * 3_600_000);
    expect(deeds).toEqual(["drain"]);
  });

  it("is killed without a limit when it has been silent for minutes in a row", async () => {
    drain(0);
    answer = false;
    await vi.advanceTimersByTimeAsync(100_000);
    answer = true;
    await vi.advanceTimersByTimeAsync(60_000);
    answer = false;
    await vi.advanceTimersByTimeAsync(100_000);
    expect(deeds).toEqual(["drain"]);
    await vi.advanceTimersByTimeAsync(60_000);
    expect(deeds).toEqual(["drain", "SIGKILL"]);
    // Asks nothing of one that is dead.
    await vi.advanceTimersByTimeAsync(600_000);
    expect(deeds).toEqual(["drain", "SIGKILL"]);
  });
});
