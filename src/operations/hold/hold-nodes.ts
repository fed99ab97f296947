import { randomUUID } from "node:crypto";
import type { Held, HoldDependencies, HoldOptions } from "./hold-registry.ts";
import { underDuty } from "./under-duty.ts";

/** Other servers on the store, and how they are asked. */
export interface HeldNodes {
  /** For people. */
  names: readonly string[];
  /** Has all servers on the store refuse writes; rejects if one of them does not, or when the signal is aborted. Asks nothing afterwards. */
  ask: (id: string, signal: AbortSignal) => Promise<unknown>;
}

/**
 * Makes all servers on a store read-only.
 *
 * @throws {RegistryStateError} if one of them does not obey; none is asked then
 */
export function holdNodes(
  dependencies: HoldDependencies,
  options: HoldOptions,
  { names, ask }: HeldNodes,
): Promise<Held> {
  const request = randomUUID();
  return underDuty(dependencies, options, {
    undo: { kind: "nodes", request },
    how: `the other servers on the store (${names.join(", ")}) are read-only until this run has ended`,
    // They obey as long as the request lies in the store; what is asked is asked of our own server.
    check: async () => ({ kind: "read-only" }),
    change: async () => {
      options.onNotice(`making the other servers on the store read-only: ${names.join(", ")}`);
      // Its end is waited for: a request must not come after it was withdrawn.
      await ask(request, options.signal);
    },
  });
}
