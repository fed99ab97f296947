import type { ChildProcess } from "node:child_process";
import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { RunLostError } from "../../registry/apply/run-lost-error.ts";
import type { CollectionBarrier } from "./collection-barrier.ts";
import { type GateAnswer, type GateQuestion, parseGateQuestion } from "./gate-messages.ts";

/** A collector whose channel is closed ends by itself; after this long it is ended. */
const DISCONNECTED_KILL_MS = 12_000;

/**
 * Puts the barrier at the other end of a collector's channel. When the process has ended, however it did, the barrier
 * is told: only then it is certain that it removes nothing more.
 */
export function linkCollector(collector: ChildProcess, barrier: CollectionBarrier): void {
  let isOver = false;
  const over = (): void => {
    if (isOver) return;
    isOver = true;
    barrier.end(collector.pid);
  };
  barrier.collectorStarted(collector.pid);
  collector.on("message", (value: unknown) => {
    const question = parseGateQuestion(value);
    if (question === undefined || isOver) return;
    void answer(barrier, question).then((answered) => {
      // One that is gone is heard of by its exit.
      if (collector.connected) collector.send(answered, () => {});
    });
  });
  collector.on("disconnect", () => {
    setTimeout(() => {
      if (!isOver) collector.kill("SIGKILL");
    }, DISCONNECTED_KILL_MS).unref();
  });
  collector.on("exit", over);
  // A process that never was one never exits.
  collector.on("error", () => {
    if (collector.pid === undefined) over();
  });
}

async function answer(barrier: CollectionBarrier, question: GateQuestion): Promise<GateAnswer> {
  const { id } = question;
  try {
    return { type: "gate-answer", id, needed: await ask(barrier, question) };
  } catch (error) {
    const hint = error instanceof RegistryCtlError ? error.hint : undefined;
    const isLost = error instanceof RunLostError;
    return {
      type: "gate-refused",
      id,
      isLost,
      message: messageOf(error),
      ...(hint === undefined ? {} : { hint }),
    };
  }
}

async function ask(barrier: CollectionBarrier, question: GateQuestion): Promise<string[]> {
  switch (question.type) {
    case "gate-begin":
      await barrier.begin();
      return [];
    case "gate-condemn":
      return [...(await barrier.condemn(question.slice, question.keys))];
    case "gate-conclude":
      await barrier.conclude(question.slice, question.undecided);
      return [];
  }
}
