import type { NamesHold, NamesRequest } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { HeldName } from "../../lib/held-name.ts";
import type { Logger } from "../../lib/logger.ts";

/** The names of repositories that a running server holds, for one or several that asked for it. */
export class NamesKeeper {
  readonly #apply: (names: readonly HeldName[], drainMs: number) => Promise<number>;
  readonly #logger: Logger;
  readonly #requests = new Set<NamesRequest>();

  /** @param apply - has all workers hold these names and no others */
  constructor(apply: (names: readonly HeldName[], drainMs: number) => Promise<number>, logger: Logger) {
    this.#apply = apply;
    this.#logger = logger;
  }

  /**
   * @param signal - aborted: they are let go, also while writes to them are waited for, which go on then
   * @throws {RegistryStateError} if that cannot be had from all workers; then they are not held
   */
  async hold(request: NamesRequest, signal?: AbortSignal): Promise<NamesHold> {
    this.#requests.add(request);
    const names = request.names.map(({ name }) => name);
    this.#logger.info("pushes to repositories are held", { names, reason: request.reason });
    const release = async (): Promise<void> => {
      if (!this.#requests.delete(request)) return;
      this.#logger.info("pushes to repositories are taken again", { names, reason: request.reason });
      try {
        await this.#apply(this.#names, 0);
      } catch (error) {
        this.#logger.error("a worker may still hold repositories", { names, error });
      }
    };
    const onAbort = (): void => void release();
    signal?.addEventListener("abort", onAbort);
    try {
      if (signal?.aborted) onAbort();
      const cutOff = await this.#apply(this.#names, request.drainMs);
      if (cutOff > 0) this.#logger.warn("pushes to held repositories were cut off", { requests: cutOff });
    } catch (error) {
      await release();
      throw error;
    } finally {
      signal?.removeEventListener("abort", onAbort);
    }
    return {
      check: () => {
        if (!this.#requests.has(request)) throw new RegistryStateError("the names are not held any more");
      },
      release,
    };
  }

  get #names(): HeldName[] {
    return [...this.#requests].flatMap(({ names }) => names);
  }
}
