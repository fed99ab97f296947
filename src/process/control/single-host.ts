import type { LogSettings } from "../../config/settings.ts";
import type { TagSetRequest, WorkerStatus } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { Serving } from "../workers/serving.ts";
import type { ServingHost } from "./serving-host.ts";

/** A server that is one process, which cannot be replaced: what it stores is in its memory. */
export class SingleHost implements ServingHost {
  readonly #serving: Serving;
  readonly #startedAt = new Date().toISOString();

  constructor(serving: Serving) {
    this.#serving = serving;
  }

  async status(): Promise<WorkerStatus[]> {
    const load = this.#serving.load();
    return [{ pid: process.pid, state: "listening", startedAt: this.#startedAt, ...load }];
  }

  problems(): string[] {
    return [];
  }

  setReadOnly(on: boolean, drainMs: number): Promise<number> {
    return this.#serving.setReadOnly(on, drainMs);
  }

  holdNames(names: readonly HeldName[], drainMs: number): Promise<number> {
    return this.#serving.holdNames(names, drainMs);
  }

  async flushCaches(): Promise<void> {
    this.#serving.flushCaches();
  }

  setTag(request: TagSetRequest): Promise<void> {
    return this.#serving.setTag(request);
  }

  setLog(settings: LogSettings): void {
    this.#serving.setLog(settings);
  }

  async replace(): Promise<void> {
    throw new RegistryStateError(
      "a store in memory is served by one process, which has all that was pushed",
      {
        hint: "stop the server and start it again: everything in the store is lost by that",
      },
    );
  }
}
