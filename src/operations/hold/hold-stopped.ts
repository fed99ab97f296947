import { RegistryStateError } from "../../errors.ts";
import type { UndoStop } from "../../state/duty.ts";
import { describeFacts, isDown, waitForFacts } from "../readonly/registry-facts.ts";
import { askWrites, type Held, type HoldDependencies, type HoldOptions } from "./hold-registry.ts";
import { underDuty } from "./under-duty.ts";

const SETTLE_MS = 60_000;

/**
 * Stops a running registry: by what runs it or, if it is our own server and nobody has said what runs it, over its control
 * socket; that one is started in the background afterwards.
 *
 * @throws {RegistryStateError} if there is no way to stop it, or it still answers
 */
export async function holdStopped(dependencies: HoldDependencies, options: HoldOptions): Promise<Held> {
  const { ask, server, service } = dependencies;
  if (service === undefined && server === undefined) {
    throw new RegistryStateError(
      `the registry runs (${describeFacts(await ask())}), and nothing is known that could stop and start it`,
      { hint: "say with --service what runs it, or stop it by hand" },
    );
  }
  const undo: UndoStop = {
    kind: "stop",
    ...(service ? { service: service.spec } : {}),
    ...(service === undefined && server ? { server: server.started } : {}),
  };
  return underDuty(dependencies, options, {
    undo,
    how: "the registry is stopped until this run has ended",
    check: () => askWrites(ask),
    change: async () => {
      options.onNotice(`stopping ${service?.describe() ?? "the server"} until this run has ended`);
      if (service !== undefined) await service.stop();
      else await server?.control.stop();
      const { settleMs: timeoutMs = SETTLE_MS, signal } = options;
      const facts = await waitForFacts(ask, isDown, { timeoutMs, signal });
      if (isDown(facts)) return;
      throw new RegistryStateError(`the registry was stopped, and still answers: ${describeFacts(facts)}`, {
        hint: "see what starts it again, or whether another one listens at its address",
      });
    },
  });
}
