import { setTimeout as sleep } from "node:timers/promises";
import { RegistryStateError } from "../../errors.ts";
import { currentMachine } from "../../process/machine/run-process.ts";
import type { NodesReport } from "../../process/nodes/ask-nodes.ts";
import { type KnownNode, otherNodes } from "../../state/nodes.ts";
import {
  readNodesRequest,
  requestFromNodes,
  untilAcknowledged,
  withdrawFromNodes,
} from "../../state/nodes-request.ts";
import type { CommandContext } from "../context.ts";
import type { HoldFlags } from "./readonly-flags.ts";

/** Options of `readonly nodes`. */
export interface NodesFlags extends HoldFlags {
  id?: string;
  reason?: string;
  by?: string;
  timeout?: number;
  for?: number;
  ownPid?: number;
  keepEarlier?: boolean;
}

/** Servers look every few seconds; then uploads under way end. */
const OBEY_MS = 30_000;

/** `readonly nodes look`, `ask` and `withdraw`, which other commands run. */
export async function runNodes(context: CommandContext, verb: string, flags: NodesFlags): Promise<void> {
  const config = await context.loadConfig({ flags });
  const driver = await context.openStorage(config, flags);
  const { id, reason = "", by = "", timeout: drainMs = 0, for: forMs, ownPid: pid } = flags;
  const machine = currentMachine();
  const report: NodesReport = { schemaVersion: 1, command: "readonly nodes", others: [], withdrawn: false };
  if (verb === "withdraw") report.withdrawn = await withdrawFromNodes(driver, id);
  else {
    const others = await otherNodes(driver, { machine, pid });
    report.others = others.map(({ host, address }) => ({ host, address }));
    if (verb === "ask" && id !== undefined) {
      const requestedAt = new Date().toISOString();
      const time = forMs === undefined ? {} : { forMs };
      const request = { schemaVersion: 1 as const, id, reason, by, requestedAt, drainMs, ...time };
      const earlier = flags.keepEarlier ? await readNodesRequest(driver) : undefined;
      context.signal.throwIfAborted();
      try {
        if (earlier === undefined) await requestFromNodes(driver, request);
        const options = {
          machine,
          timeoutMs: drainMs + OBEY_MS,
          sleep,
          nowMs: Date.now,
          signal: context.signal,
        };
        const answers = await untilAcknowledged(driver, earlier?.id ?? id, options);
        context.signal.throwIfAborted();
        requireAll(answers);
      } catch (error) {
        await withdrawFromNodes(driver, id);
        throw error;
      }
    }
  }
  context.report(report, (shown) => JSON.stringify(shown), flags);
}

/** @throws {RegistryStateError} that names the servers that do not obey */
function requireAll({ missing }: { missing: readonly KnownNode[] }): void {
  if (missing.length === 0) return;
  const names = missing.map(({ host, address }) => `${host} (${address})`).join(", ");
  throw new RegistryStateError(`not every server on the store has made itself read-only: ${names}`, {
    hint: "see whether they run; a server that is gone counts for ten minutes",
  });
}
