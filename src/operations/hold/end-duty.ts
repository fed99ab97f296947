import type { Control } from "../../control/protocol.ts";
import type { Service } from "../../control/service.ts";
import { RegistryCtlError, RegistryStateError } from "../../errors.ts";
import type {
  Duty,
  DutyPlace,
  DutyServer,
  UndoConfiguration,
  UndoServerReadOnly,
  UndoStop,
} from "../../state/duty.ts";
import type { ConfigFiles } from "../readonly/config-files.ts";
import { changeReadOnly, textDigest } from "../readonly/read-only-key.ts";
import {
  type AskRegistry,
  describeFacts,
  isDown,
  isProvedReadOnly,
  isProvedReadWrite,
  waitForFacts,
} from "../readonly/registry-facts.ts";

/** What {@link endDuty} works with. */
export interface DutyHands {
  /** @returns the server that is meant, or undefined if it does not run */
  server: (undo: UndoServerReadOnly) => Promise<Control | undefined>;
  /**
   * Takes back the read-only state that a stopped server would start with, if it is the one that is meant.
   *
   * @returns false if that is not what its state folder says
   * @throws {RegistryCtlError} if it cannot be changed
   */
  restoreKept: (undo: UndoServerReadOnly) => boolean;
  /** @param spec - as `--service` takes it */
  openService: (spec: string) => Service;
  /** Starts our server in the background. */
  startServer: (server: DutyServer) => void;
  /** @returns whether the request still lay in the store */
  withdrawFromNodes: (place: DutyPlace, request: string) => Promise<boolean>;
  ask: AskRegistry;
  files: ConfigFiles;
  nowMs: () => number;
  signal?: AbortSignal | undefined;
  /** How long a registry may take to answer after a start; 60 seconds by default. */
  settleMs?: number;
  /** For how long our server must answer to be taken for one that stays; 2 seconds by default. */
  steadyMs?: number;
}

const SETTLE_MS = 60_000;
const STEADY_MS = 2_000;
const RECOVER = 'put that right, then run "registry-ctl recover"';

/**
 * Brings back what was changed for a time. Nothing is done where it is so already, so that it may be done again, and by
 * several at once.
 *
 * @returns what was done, for people
 * @throws {RegistryCtlError} if it could not be brought back
 */
export async function endDuty({ place, undo }: Duty, hands: DutyHands): Promise<string> {
  switch (undo.kind) {
    case "server-read-only":
      return endServerReadOnly(undo, hands);
    case "configuration":
      return endConfiguration(undo, hands);
    case "stop":
      return endStop(undo, hands);
    case "nodes":
      return (await hands.withdrawFromNodes(place, undo.request))
        ? "the servers on the store are not asked for anything any more"
        : "the servers on the store were not asked for it any more";
  }
}

async function endServerReadOnly(undo: UndoServerReadOnly, hands: DutyHands): Promise<string> {
  const { before, token } = undo;
  const control = await hands.server(undo);
  if (control === undefined) {
    return hands.restoreKept(undo)
      ? "the server does not run; what it is told at its start is as before"
      : "the server does not run; nothing was left to undo";
  }
  const forMs = before.until === undefined ? undefined : Date.parse(before.until) - hands.nowMs();
  const on = before.on && (forMs === undefined || forMs > 0);
  const { before: found } = await control.setReadOnly({
    ...{ on, reason: before.reason ?? "as before", drainMs: 0, onlyIfReason: token },
    ...(on && forMs !== undefined ? { forMs } : {}),
  });
  if (found.reason !== token) {
    return found.on
      ? "somebody else has made the server read-only since: it stays so"
      : "the server takes writes already";
  }
  return on ? "the server is read-only as before" : "the server takes writes again";
}

async function endConfiguration(undo: UndoConfiguration, hands: DutyHands): Promise<string> {
  await restoreFile(undo, hands);
  const { file, wasReadOnly, wasRunning } = undo;
  if (!wasRunning) return `${file} is as before`;
  const { ask, signal, settleMs: timeoutMs = SETTLE_MS } = hands;
  const service = hands.openService(undo.service);
  const isSettled = await isSettledService(service);
  if (wasReadOnly || (isSettled && isProvedReadWrite(await ask()))) return `${file} is as before`;
  await service.restart();
  const facts = await waitForFacts(ask, (now) => !isDown(now) && !isProvedReadOnly(now) && isAlive(now), {
    timeoutMs,
    signal,
  });
  if (isDown(facts) || isProvedReadOnly(facts)) {
    throw new RegistryStateError(`the registry was started again with ${file}: ${describeFacts(facts)}`, {
      hint: `see what ${service.describe()} logs; ${RECOVER}`,
    });
  }
  return isProvedReadWrite(facts)
    ? `${file} is as before, and the registry takes writes again`
    : `${file} is as before, and the registry was started again with it`;
}

/** A registry that is just starting may answer with errors, or not at all. */
function isAlive({ reads }: { reads: { kind: string } }): boolean {
  return reads.kind === "works" || reads.kind === "denied";
}

/** Somebody else's changes since then stay. */
async function restoreFile(
  { file, original, writtenSha256, wasReadOnly }: UndoConfiguration,
  { files }: DutyHands,
): Promise<void> {
  const text = files.read(file);
  if (text === original) return;
  const wanted =
    textDigest(text) === writtenSha256 ? original : changeReadOnly(text, file, wasReadOnly).after;
  if (wanted !== text) await files.replace(file, wanted, text);
}

async function endStop({ service: spec, server }: UndoStop, hands: DutyHands): Promise<string> {
  const { ask, signal, settleMs: timeoutMs = SETTLE_MS } = hands;
  const service = spec === undefined ? undefined : hands.openService(spec);
  if (service === undefined) {
    // What answers may be on its way down, asked to stop by a command that was killed right after.
    const { steadyMs = STEADY_MS } = hands;
    if (server !== undefined && isDown(await waitForFacts(ask, isDown, { timeoutMs: steadyMs, signal })))
      hands.startServer(server);
  } else await startUnlessRunning(service, ask);
  const facts = await waitForFacts(ask, (now) => !isDown(now), { timeoutMs, signal });
  if (!isDown(facts)) return "the registry runs again";
  throw new RegistryStateError("the registry was started, and does not answer", {
    hint: `see what ${service?.describe() ?? "it"} logs; ${RECOVER}`,
  });
}

/**
 * What answers now may be on its way down, by a restart that has outlived who asked for it. Where the service cannot even be
 * asked, the answer counts.
 */
async function isSettledService(service: Service): Promise<boolean> {
  try {
    return (await service.isRunning()) !== undefined;
  } catch (error) {
    if (error instanceof RegistryCtlError) return true;
    throw error;
  }
}

/** A service that cannot be asked whether it runs fails to start where somebody else has started it already. */
async function startUnlessRunning(service: Service, ask: AskRegistry): Promise<void> {
  try {
    await service.start();
  } catch (error) {
    const isRefused = error instanceof RegistryCtlError && error.code === "ERR_SERVICE";
    if (!isRefused || isDown(await ask())) throw error;
  }
}
