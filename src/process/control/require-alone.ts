import { setTimeout as sleep } from "node:timers/promises";
import { RegistryStateError } from "../../errors.ts";
import { type KnownNode, liveNodes } from "../../state/nodes.ts";
import type { LockHolder } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { processStartMs } from "../machine/run-process.ts";

/** One that was started at the same moment gives way within this time, or has not seen us. */
const GIVE_WAY_WITHIN_MS = 2_000;
const LOOK_EVERY_MS = 100;
/** By so much a process may seem to be younger than what it has written. */
const INEXACT_MS = 5_000;

/** The server that wants to be alone. */
export interface StartingServer {
  /** Of its file in the store, which must have been written. */
  id: string;
  machine: LockHolder;
}

/**
 * Makes sure that no other server of this machine works on the store, however it was started: workers of two servers would
 * not know of each other's uploads, nor a collection of both. Of two that start at the same moment the one that began
 * earlier stays.
 *
 * @throws {RegistryStateError} if there is one
 */
export async function requireAlone(driver: StorageDriver, server: StartingServer): Promise<void> {
  const untilMs = performance.now() + GIVE_WAY_WITHIN_MS;
  for (;;) {
    const here = (await liveNodes(driver, server.machine)).filter((node) => isHere(node, server.machine));
    // Where there was no room for it, nobody has seen it.
    const own = here.find(({ id }) => id === server.id);
    const others = here.filter((node) => node.pid !== server.machine.pid && !isLaterProcess(node));
    const [first] = others;
    if (first === undefined) return;
    const isLate = own === undefined || others.some((other) => isBefore(other, own));
    if (isLate || performance.now() > untilMs) throw servedBy(first);
    await sleep(LOOK_EVERY_MS);
  }
}

function isHere(node: KnownNode, { bootId, pidNamespace }: LockHolder): boolean {
  return bootId !== "" && node.bootId === bootId && node.pidNamespace === pidNamespace;
}

/** The number of a server that was killed may be that of another process by now. */
function isLaterProcess({ pid, startedAt }: KnownNode): boolean {
  const startMs = processStartMs(pid);
  return startMs !== undefined && startMs > Date.parse(startedAt) + INEXACT_MS;
}

function isBefore(other: KnownNode, own: KnownNode): boolean {
  return other.startedAt === own.startedAt ? other.id < own.id : other.startedAt < own.startedAt;
}

function servedBy({ pid, startedAt, address }: KnownNode): RegistryStateError {
  const where = address === "" ? "" : ` at ${address}`;
  return new RegistryStateError(`process ${pid} has been serving this store${where} since ${startedAt}`, {
    hint: "stop it first: registry-ctl stop; two servers of one machine must not share a data directory",
  });
}
