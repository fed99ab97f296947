import { randomUUID } from "node:crypto";
import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { ReadOnlyReport } from "../../operations/readonly/read-only-report.ts";
import { askNodes, lookForNodes, withdrawFromNodes } from "../../process/nodes/ask-nodes.ts";
import type { OpenedRegistry } from "./open-registry.ts";

/** What all servers on a store are to do. */
export interface NodesChange {
  forMs: number | undefined;
  drainMs: number;
  reason: string;
}

/**
 * Has the other servers on the store refuse writes too, if there are any.
 *
 * @throws {RegistryStateError} if one of them does not; none of them is asked then
 */
export async function holdOtherServers(
  { dependencies, server, config, by }: OpenedRegistry,
  { forMs, drainMs, reason }: NodesChange,
  signal: AbortSignal,
): Promise<ReadOnlyReport["otherServers"]> {
  if (config.settings.storage.driver === "inmemory" || server === undefined) return [];
  const { place } = dependencies;
  const { pid } = await server.control.status();
  const { others } = await lookForNodes(place, pid);
  if (others.length === 0) return [];
  const id = randomUUID();
  try {
    await askNodes(place, { id, reason, by, drainMs, forMs }, { ownPid: pid, signal });
  } catch (error) {
    await withdrawFromNodes(place, id).catch((problem: unknown) => {
      const left = `other servers on the store may be read-only still: ${messageOf(problem)}`;
      throw new RegistryCtlError("ERR_NOT_RESTORED", `${messageOf(error)}; and ${left}`, {
        ...{ cause: error, hint: 'put that right, then run "registry-ctl readonly off"' },
      });
    });
    throw error;
  }
  return others.map((other) => ({ ...other, readOnly: true }));
}

/**
 * Takes back what all servers on the store were asked for, whoever did.
 *
 * @returns why that could not be done, for people; undefined if all is well
 */
export async function releaseOtherServers({
  dependencies,
  config,
}: OpenedRegistry): Promise<string | undefined> {
  if (config.settings.storage.driver === "inmemory") return undefined;
  try {
    await withdrawFromNodes(dependencies.place, undefined);
    return undefined;
  } catch (error) {
    return `other servers on the store may be read-only still: ${messageOf(error)}`;
  }
}
