import { RegistryStateError } from "../../errors.ts";
import { RunLostError } from "../../registry/apply/run-lost-error.ts";
import type { SliceGate } from "../../registry/apply/slice-gate.ts";
import { type GateAnswer, type GateQuestion, parseGateAnswer } from "./gate-messages.ts";

/** The part of this process's channel that a gate uses. */
export interface GateChannel {
  send(message: GateQuestion): void;
  onMessage(listener: (value: unknown) => void): void;
  /** Called when nobody is at the other end any more, also if that is so already. */
  onClosed(listener: () => void): void;
}

interface Asked {
  resolve: (needed: readonly string[]) => void;
  reject: (error: Error) => void;
}

/**
 * The gate of a collector that a server has started: asks the server's barrier over the channel between the two.
 * When the channel closes, everything that was asked and all that will be rejects: nothing more may be removed.
 */
export class CollectorGate implements SliceGate {
  readonly #channel: GateChannel;
  readonly #asked = new Map<number, Asked>();
  #lastId = 0;
  #isClosed = false;

  constructor(channel: GateChannel) {
    this.#channel = channel;
    channel.onMessage((value) => {
      const answer = parseGateAnswer(value);
      if (answer !== undefined) this.#receive(answer);
    });
    channel.onClosed(() => {
      this.#isClosed = true;
      for (const { reject } of this.#asked.values()) reject(serverGone());
      this.#asked.clear();
    });
  }

  async begin(): Promise<void> {
    await this.#ask((id) => ({ type: "gate-begin", id }));
  }

  async condemn(slice: number, keys: readonly string[]): Promise<ReadonlySet<string>> {
    return new Set(await this.#ask((id) => ({ type: "gate-condemn", id, slice, keys: [...keys] })));
  }

  async conclude(slice: number, undecided?: { keys: readonly string[]; untilMs: number }): Promise<void> {
    const more = undecided && { undecided: { keys: [...undecided.keys], untilMs: undecided.untilMs } };
    await this.#ask((id) => ({ type: "gate-conclude", id, slice, ...more }));
  }

  #ask(question: (id: number) => GateQuestion): Promise<readonly string[]> {
    return new Promise((resolve, reject) => {
      if (this.#isClosed) {
        reject(serverGone());
        return;
      }
      const id = ++this.#lastId;
      this.#asked.set(id, { resolve, reject });
      this.#channel.send(question(id));
    });
  }

  #receive(answer: GateAnswer): void {
    const asked = this.#asked.get(answer.id);
    this.#asked.delete(answer.id);
    if (asked === undefined) return;
    if (answer.type === "gate-answer") asked.resolve(answer.needed);
    else if (answer.isLost) asked.reject(new RunLostError(answer.message, { hint: answer.hint }));
    else asked.reject(new RegistryStateError(answer.message, { hint: answer.hint }));
  }
}

/** @returns the gate of this process's channel to the server that started it; undefined if there is none */
export function gateOfServer(): CollectorGate | undefined {
  if (process.send === undefined || !process.connected) return undefined;
  return new CollectorGate({
    send: (message) => void process.send?.(message, undefined, undefined, () => {}),
    onMessage: (listener) => void process.on("message", listener),
    onClosed: (listener) => {
      process.on("disconnect", listener);
      if (!process.connected) listener();
    },
  });
}

function serverGone(): RegistryStateError {
  return new RegistryStateError(
    "the server has ended, and with it this collection: nothing more is deleted",
    {
      hint: "start the server and run it again: it goes on where this one has ended",
    },
  );
}
