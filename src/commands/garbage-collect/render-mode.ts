import type { ServerStatus } from "../../control/protocol.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import type { CollectionMode } from "./garbage-flags.ts";

/** @returns what an online collection does to the registry, and what it will not free, said at its start */
export function renderOnline({ pid, startedAt }: ServerStatus, reviewAfterMs: number, nowMs: number): string {
  const lines = [`mode: online: the server (process ${pid}) goes on taking pushes and pulls`];
  if (reviewAfterMs <= 0) return lines.join("\n");
  const span = formatSpan(reviewAfterMs / 1000);
  lines.push(
    `not freed: what clients have pushed, pulled or asked for within ${span} (gc.reviewafter); --mode read-only or offline would free it`,
  );
  const age = nowMs - Date.parse(startedAt);
  if (age >= 0 && age < reviewAfterMs) {
    lines.push(
      `the server has run for ${formatSpan(age / 1000)} only: what another one before it has told clients it does not know, so that a push under way may have to send a layer again`,
    );
  }
  return lines.join("\n");
}

/** @returns what was done to the registry for a run */
export function renderHeld(mode: CollectionMode, how: string): string {
  return `mode: ${mode}: ${how}`;
}

/** @returns what a real run would do to the registry */
export function renderIntended(mode: CollectionMode): string {
  switch (mode) {
    case "online":
      return "a real run is online: the server goes on taking pushes and pulls, and what clients lately relied on stays";
    case "read-only":
      return "a real run makes the registry read-only until it has ended";
    case "offline":
      return "a real run stops the registry until it has ended";
  }
}

/** @returns when a run stops */
export function renderUntil(untilMs: number, nowMs: number): string {
  const at = new Date(untilMs);
  const two = (number: number): string => String(number).padStart(2, "0");
  const day = `${at.getFullYear()}-${two(at.getMonth() + 1)}-${two(at.getDate())}`;
  const inTime = untilMs > nowMs ? `in ${formatSpan((untilMs - nowMs) / 1000)}` : "which is now";
  return `stops: ${day} ${two(at.getHours())}:${two(at.getMinutes())}, ${inTime}`;
}
