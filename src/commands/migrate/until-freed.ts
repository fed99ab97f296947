import { setTimeout as sleep } from "node:timers/promises";
import type { ComparableConfig } from "../../config/load-config.ts";
import { type FindServerFlags, type FoundServer, locateServer } from "../../process/control/find-server.ts";
import { locateServerOfConfig } from "../../process/control/server-of-config.ts";

/** A server looks every five seconds; then its workers have to hear of it. */
const FREED_WITHIN_MS = 20_000;
const LOOK_EVERY_MS = 100;

/**
 * A server of ours that has begun to serve a store while that was locked takes no writes until it has seen that the lock is gone. To be called
 * when it is, before anybody is told that the registry takes writes. What else keeps it read-only is not waited for. Never rejects.
 */
export async function untilFreed(
  load: () => Promise<ComparableConfig>,
  flags: FindServerFlags,
): Promise<void> {
  const server = await locate(load, flags).catch(() => undefined);
  const deadlineMs = performance.now() + FREED_WITHIN_MS;
  while (performance.now() < deadlineMs) {
    const status = await server?.control.status().catch(() => undefined);
    if (status?.readOnly.byStore !== true) return;
    await sleep(LOOK_EVERY_MS);
  }
}

async function locate(
  load: () => Promise<ComparableConfig>,
  flags: FindServerFlags,
): Promise<FoundServer | undefined> {
  const config = await load();
  return (await locateServer(config, flags)) ?? locateServerOfConfig(config, flags);
}
