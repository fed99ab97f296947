import { parseServiceSpec } from "../../config/service-spec.ts";
import type { LoadedConfig } from "../../config/settings.ts";
import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import { holdNodes } from "../../operations/hold/hold-nodes.ts";
import { type Held, type HoldOptions, holdRegistry } from "../../operations/hold/hold-registry.ts";
import { askNodes, lookForNodes } from "../../process/nodes/ask-nodes.ts";
import { managerOf } from "../../process/service/manager-of.ts";
import { openService } from "../../process/service/open-service.ts";
import type { CommandContext } from "../context.ts";
import { type OpenedRegistry, openRegistry } from "./open-registry.ts";
import type { HoldFlags } from "./readonly-flags.ts";

export type { HoldFlags } from "./readonly-flags.ts";

/**
 * Stops the registry of a configuration, or makes it read-only, until the hold is released or this process has ended,
 * however that comes. To be called before the store is opened, when root becomes the user that owns it: what was done with
 * root's rights is undone with them too.
 *
 * @throws {RegistryStateError} if it cannot be brought into that state, or that cannot be proved; it is as it was then
 */
export async function openHold(
  context: CommandContext,
  config: LoadedConfig,
  flags: HoldFlags,
  options: Pick<HoldOptions, "mode" | "reason" | "drainMs">,
): Promise<Held> {
  const opened = await openRegistry(context, config, flags);
  const service = options.mode === "offline" ? await serviceOf(opened) : opened.chosen.service;
  const dependencies = { ...opened.dependencies, service };
  const onNotice = (text: string): void => context.notice(text, flags);
  const holding = { ...options, by: opened.by, signal: context.signal, onNotice };
  const nodes = await heldNodes(opened, holding);
  try {
    const held = await holdRegistry(dependencies, holding);
    const remembered = opened.chosen.remember();
    if (remembered !== undefined) onNotice(remembered);
    return nodes === undefined ? held : both(held, nodes);
  } catch (error) {
    await nodes?.release();
    throw error;
  }
}

/** @returns undefined if there is no other server on the store */
async function heldNodes(opened: OpenedRegistry, options: HoldOptions): Promise<Held | undefined> {
  const { dependencies, config } = opened;
  if (config.settings.storage.driver === "inmemory") return undefined;
  const { place } = dependencies;
  const ownPid = await serverPid(opened);
  const { others } = await lookForNodes(place, ownPid);
  if (others.length === 0) return undefined;
  const names = others.map(({ host, address }) => `${host} (${address})`);
  if (options.mode === "offline") {
    throw new RegistryStateError(`other servers work on the store: ${names.join(", ")}`, {
      hint: "stop them first, or use --mode read-only, which asks all of them",
    });
  }
  const { reason, by, drainMs } = options;
  const ask = (id: string, signal: AbortSignal): Promise<unknown> =>
    askNodes(place, { id, reason, by, drainMs, keepsEarlier: true }, { ownPid, signal });
  return holdNodes(dependencies, options, { names, ask });
}

function both(held: Held, nodes: Held): Held {
  return {
    how: `${held.how}; ${nodes.how}`,
    check: () => held.check(),
    async release() {
      const ends = await Promise.allSettled([held.release(), nodes.release()]);
      for (const end of ends) if (end.status === "rejected") throw end.reason;
    },
    async keepOn() {
      await held.keepOn?.();
      await nodes.keepOn?.();
    },
  };
}

/** What looks after our server would start it again while it is to be stopped, so that it is asked to stop it. */
async function serviceOf({ chosen, server }: OpenedRegistry): Promise<Service | undefined> {
  if (chosen.service !== undefined || server === undefined) return chosen.service;
  const pid = await serverPid({ server });
  const spec = pid === undefined ? undefined : await managerOf(pid);
  return spec === undefined ? undefined : openService(parseServiceSpec(spec));
}

/** @returns the process id of our server's supervisor */
async function serverPid({ server }: Pick<OpenedRegistry, "server">): Promise<number | undefined> {
  return server && (server.record?.pid ?? (await server.control.status()).pid);
}
