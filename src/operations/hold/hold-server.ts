import { randomBytes } from "node:crypto";
import type { ProbeResult } from "../../client/write-probe.ts";
import type { Control, ReadOnlyState } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { UndoServerReadOnly } from "../../state/duty.ts";
import {
  askWrites,
  type Held,
  type HeldServer,
  type HoldDependencies,
  type HoldOptions,
} from "./hold-registry.ts";
import { underDuty, unlessAborted } from "./under-duty.ts";

/**
 * Makes our running server read-only: its own word, given when every worker has acknowledged it, is the proof.
 *
 * @throws {RegistryStateError} if it still takes writes
 */
export async function holdServer(
  dependencies: HoldDependencies,
  options: HoldOptions,
  { control, socket, stateFolders }: HeldServer,
): Promise<Held> {
  const before = (await control.status()).readOnly;
  const check = (): Promise<ProbeResult> => checkServer(control, dependencies);
  if (before.byConfiguration) {
    const how = "the server is read-only by its configuration, and stays so";
    return { how, check, release: async () => undefined };
  }
  const token = `${options.reason} (${randomBytes(4).toString("hex")})`;
  const undo: UndoServerReadOnly = {
    ...{ kind: "server-read-only", socket, stateFolders, token },
    before: rememberedState(before),
  };
  const how = wasAsked(before)
    ? "the server is read-only already, and goes back to that when this run has ended"
    : "the server is read-only until this run has ended";
  return underDuty(dependencies, options, {
    undo,
    how,
    check,
    change: async () => {
      options.onNotice("making the server read-only: pulls go on, pushes are answered 405");
      const request = { on: true, reason: token, drainMs: options.drainMs };
      const { now, cutOff } = await unlessAborted(control.setReadOnly(request), options.signal);
      if (!now.on)
        throw new RegistryStateError("the server still takes writes although it was made read-only");
      if (cutOff > 0) {
        options.onNotice(
          `${cutOff} uploads that were under way were cut off; their clients can send them again`,
        );
      }
    },
  });
}

/** What the store asks of all servers is no state of this one, and ends by itself. */
function wasAsked({ on, byStore }: ReadOnlyState): boolean {
  return on && byStore !== true;
}

function rememberedState(before: ReadOnlyState): UndoServerReadOnly["before"] {
  if (!wasAsked(before)) return { on: false };
  const { on, until, reason } = before;
  return { on, ...(until === undefined ? {} : { until }), ...(reason === undefined ? {} : { reason }) };
}

async function checkServer(control: Control, { ask }: HoldDependencies): Promise<ProbeResult> {
  try {
    const { readOnly } = await control.status();
    return readOnly.on
      ? { kind: "read-only" }
      : { kind: "other", answer: "by its control socket: it takes writes" };
  } catch {
    // It has ended, or is another one by now.
    return askWrites(ask);
  }
}
