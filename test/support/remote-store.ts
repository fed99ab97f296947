import { setImmediate, setTimeout } from "node:timers/promises";
import type { FileInfo, StorageDriver } from "../../src/storage/driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { type StorageCall, type StorageMethod, wrapDriver } from "../../src/storage/wrappers/wrap-driver.ts";

/** Options of {@link RemoteStore}. */
export interface RemoteStoreOptions {
  inner?: MemoryDriver;
  /** How long each call takes; 0: a turn of the event loop. May depend on the call. */
  latencyMs?: number | (() => number);
  /** Called before each call has its effect; what it throws is the outcome. */
  before?: (call: StorageCall) => void | Promise<void>;
}

/** A store in memory that behaves as an object store: nothing is read synchronously, and each call is a request. */
export class RemoteStore {
  readonly inner: MemoryDriver;
  readonly driver: StorageDriver;
  /** Calls so far, by method. */
  readonly calls: Partial<Record<StorageMethod, number>> = {};
  /** How many calls were under way at once, at the most. */
  peak = 0;
  before: RemoteStoreOptions["before"];
  readonly #latencyMs: () => number;
  #underWay = 0;

  constructor(options: RemoteStoreOptions = {}) {
    const { inner = new MemoryDriver(), latencyMs = 0, before } = options;
    this.inner = inner;
    this.before = before;
    this.#latencyMs = typeof latencyMs === "number" ? () => latencyMs : latencyMs;
    const without: StorageMethod[] = ["getSync", "statFileSync"];
    const wrapped = wrapDriver(inner, { without, call: (call, run) => this.#request(call, run) });
    this.driver = Object.assign(wrapped, {
      movesByCopying: true as const,
      statFile: (path: string) =>
        this.#request({ method: "statFile", path }, async () => this.#statFile(path)),
    });
  }

  /** How often a method was called. */
  count(method: StorageMethod): number {
    return this.calls[method] ?? 0;
  }

  #statFile(path: string): FileInfo | undefined {
    const info = this.inner.statFileSync(path);
    return info && { ...info, path, isFolder: false };
  }

  async #request<T>(call: StorageCall, run: () => Promise<T>): Promise<T> {
    this.calls[call.method] = (this.calls[call.method] ?? 0) + 1;
    this.peak = Math.max(this.peak, ++this.#underWay);
    try {
      const latencyMs = this.#latencyMs();
      await (latencyMs > 0 ? setTimeout(latencyMs) : setImmediate());
      await this.before?.(call);
      return await run();
    } finally {
      this.#underWay--;
    }
  }
}
