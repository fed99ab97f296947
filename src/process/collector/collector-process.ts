import type { CollectionEvent } from "../../control/protocol.ts";
import { type CollectorMessage, type CollectorOrder, parseCollectorCommand } from "./collector-messages.ts";

/** A collector without a supervisor ends between two slices; after this long it is ended wherever it is. */
const ALONE_WITHIN_MS = 10_000;

/** The server that a collector works for, seen from the collector. */
export interface ServerOfCollector {
  readonly order: CollectorOrder;
  /** Somebody wants the run to stop as soon as it can. */
  readonly stopWanted: AbortSignal;
  /** The same, since the server ends. */
  readonly serverEnds: AbortSignal;
  /** The server is gone: nobody keeps requests from what the run is about to remove. */
  readonly lost: AbortSignal;
  tell(event: CollectionEvent): void;
  tellProgress(phase: string, text: string): void;
  /** Ends the channel when everything has been said, so that the process can end. */
  close(): Promise<void>;
}

/**
 * Tells the supervisor that started this process that the collector is there, and waits for its order.
 *
 * @returns undefined if nobody is at the other end: the command was typed by hand
 */
export async function connectToServer(): Promise<ServerOfCollector | undefined> {
  if (process.send === undefined || !process.connected) return undefined;
  const stop = new AbortController();
  const ending = new AbortController();
  const lost = new AbortController();
  let isClosing = false;
  process.on("disconnect", () => {
    lost.abort();
    if (!isClosing) setTimeout(() => process.exit(1), ALONE_WITHIN_MS).unref();
  });
  const order = await new Promise<CollectorOrder | undefined>((resolve) => {
    process.on("disconnect", () => resolve(undefined));
    process.on("message", (value: unknown) => {
      const command = parseCollectorCommand(value);
      if (command?.type === "collector-start") resolve(command.order);
      if (command?.type === "collector-stop") (command.isEnding ? ending : stop).abort();
    });
    void send({ type: "collector-booted" });
  });
  if (order === undefined) return undefined;
  return {
    order,
    stopWanted: stop.signal,
    serverEnds: ending.signal,
    lost: lost.signal,
    tell: (event) => void send({ type: "collector-event", event }),
    tellProgress: (phase, text) => void send({ type: "collector-progress", phase, text }),
    close: async () => {
      isClosing = true;
      // What was sent before has left when this has.
      await send({ type: "collector-progress", phase: "ended", text: "ended" });
      if (process.connected) process.disconnect();
    },
  };
}

/** Resolves when the message has left, or nobody is there to hear it. */
function send(message: CollectorMessage): Promise<void> {
  return new Promise((resolve) => {
    if (process.send === undefined || !process.connected) resolve();
    else process.send(message, undefined, undefined, () => resolve());
  });
}
