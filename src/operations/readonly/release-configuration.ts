import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import type { ConfigFiles } from "./config-files.ts";
import type { PersistedChange } from "./persisted-change.ts";
import {
  type AskRegistry,
  describeFacts,
  isDown,
  isProvedReadOnly,
  isProvedReadWrite,
  type RegistryFacts,
  waitForFacts,
} from "./registry-facts.ts";

/** What {@link releaseConfiguration} works with. */
export interface ReleaseDependencies {
  service: Service;
  ask: AskRegistry;
  files: ConfigFiles;
  signal: AbortSignal;
  /** How long the registry may take to answer after its start; 60 seconds by default. */
  settleMs?: number;
}

const SETTLE_MS = 60_000;

/**
 * Makes a registry take writes again that has no control socket: by its configuration file, and a start with it. A registry
 * that takes writes already is not started again.
 *
 * @returns what it answers then
 * @throws {RegistryStateError} if it does not answer, or takes no writes; the file is as before then, and it was started with
 *   it once more
 */
export async function releaseConfiguration(
  dependencies: ReleaseDependencies,
  { file, before, after }: PersistedChange,
): Promise<RegistryFacts> {
  const { service, ask, files, signal, settleMs: timeoutMs = SETTLE_MS } = dependencies;
  const facts = await ask();
  if (after === before && isProvedReadWrite(facts)) return facts;
  if (after !== before) await files.replace(file, after, before);
  try {
    await service.restart();
    const now = await waitForFacts(ask, isUp, { timeoutMs, signal });
    if (isUp(now)) return now;
    throw new RegistryStateError(`the registry was started with ${file}: ${describeFacts(now)}`, {
      hint: `see what ${service.describe()} logs; ${after === before ? "nothing" : "the file"} was changed back`,
    });
  } catch (error) {
    if (after !== before) {
      await files.replace(file, before, after);
      await service.restart();
    }
    throw error;
  }
}

/** It can be read from, and does not refuse writes; where it asks who wants that, nobody can tell more. */
function isUp(facts: RegistryFacts): boolean {
  if (isDown(facts) || isProvedReadOnly(facts)) return false;
  return isProvedReadWrite(facts) || facts.reads.kind === "denied" || facts.reads.kind === "works";
}
