import { messageOf } from "../../lib/message-of.ts";
import { GENTLE_MS } from "./drain-worker.ts";
import type { ServerFactory } from "./hosted-server.ts";
import {
  parseSupervisorMessage,
  type StartOrder,
  type SupervisorMessage,
  type SupervisorQuestion,
  type WorkerAnswer,
  type WorkerMessage,
} from "./messages.ts";
import { type Serving, startServing } from "./serving.ts";
import { toStartFailure } from "./start-failure.ts";
import { SupervisedCoordination } from "./supervised-coordination.ts";

/**
 * The life of a worker process: tells the supervisor that it is there, serves as told, ends as told. Without a
 * supervisor it ends at once, so that nothing writes on and the port is free.
 */
export function runWorker(createServer: ServerFactory): void {
  new Worker(createServer).run();
}

class Worker {
  readonly #createServer: ServerFactory;
  #serving: Promise<Serving> | undefined;
  #coordination: SupervisedCoordination | undefined;
  #stopping = false;
  readonly #hurry = new AbortController();

  constructor(createServer: ServerFactory) {
    this.#createServer = createServer;
  }

  run(): void {
    process.on("disconnect", () => process.exit(0));
    // A terminal sends these to all processes; the supervisor decides. A service manager may send SIGTERM to all.
    for (const name of ["SIGINT", "SIGHUP"]) process.on(name, () => {});
    process.on("SIGTERM", () => this.#drain(false));
    process.on("message", (value) => this.#receive(parseSupervisorMessage(value)));
    this.#send({ type: "booted" });
  }

  #receive(message: SupervisorMessage): void {
    switch (message.type) {
      case "start":
        this.#start(message.order);
        break;
      case "drain":
        this.#drain(message.gently);
        break;
      case "log":
        this.#serving?.then(
          (serving) => serving.setLog(message.settings),
          () => undefined,
        );
        break;
      case "load":
      case "read-only":
      case "hold-names":
      case "flush-caches":
      case "set-tag":
        this.#answer(message);
        break;
      default:
        this.#coordination?.receive(message);
    }
  }

  #start(order: StartOrder): void {
    // In this turn, so that it hears all that is said from now on.
    const coordination = new SupervisedCoordination(undefined, (message) => this.#send(message));
    coordination.enter(order);
    this.#coordination = coordination;
    this.#serving = startServing({
      order,
      createServer: this.#createServer,
      createCoordination: (leases) => {
        coordination.useLeases(leases);
        return coordination;
      },
    });
    this.#serving.then(
      ({ address }) => this.#send({ type: "listening", address }),
      (error: unknown) => {
        if (this.#stopping) return;
        // The process ends when the message has really left.
        process.send?.({ type: "failed", failure: toStartFailure(error) }, undefined, undefined, () =>
          process.exit(1),
        );
      },
    );
  }

  /** A process that could not begin to serve has nothing to answer with: it is about to end. */
  #answer(question: SupervisorQuestion): void {
    this.#serving?.then(
      async (serving) => {
        let answer: WorkerAnswer;
        try {
          answer = await answerOf(serving, question);
        } catch (error) {
          answer = { failure: messageOf(error), error: toStartFailure(error) };
        }
        this.#send({ type: "answer", id: question.id, answer });
      },
      () => undefined,
    );
  }

  #drain(gently: boolean): void {
    if (!gently) this.#hurry.abort();
    if (this.#stopping) return;
    this.#stopping = true;
    const gentle = { forMs: GENTLE_MS, hurry: this.#hurry.signal };
    const stopped = this.#serving?.then((serving) => serving.stop(gentle)) ?? Promise.resolve();
    stopped.then(
      () => this.#leave(),
      () => process.exit(1),
    );
  }

  /** Ends the process when its last word has left: without one the supervisor would have to take this for a crash. */
  #leave(): void {
    // A request that was cut off may be writing yet: so it is known to have ended only when this process has.
    if (this.#coordination?.isBusy === true) process.exit(0);
    const goodbye: WorkerMessage = this.#coordination?.goodbye() ?? { type: "goodbye", leasesWritten: true };
    if (process.send === undefined || !process.connected) process.exit(0);
    process.send(goodbye, undefined, undefined, () => process.exit(0));
  }

  #send(message: WorkerMessage): void {
    if (!process.connected) return;
    // A supervisor that was killed is noticed here before its channel is closed.
    process.send?.(message, undefined, undefined, (error) => {
      if (error !== null) process.exit(0);
    });
  }
}

async function answerOf(serving: Serving, question: SupervisorQuestion): Promise<WorkerAnswer> {
  switch (question.type) {
    case "load":
      return { load: serving.load() };
    case "read-only":
      return { cutOff: await serving.setReadOnly(question.on, question.drainMs) };
    case "hold-names":
      return { cutOff: await serving.holdNames(question.names, question.drainMs) };
    case "flush-caches":
      serving.flushCaches();
      return {};
    case "set-tag":
      await serving.setTag(question.request);
      return {};
  }
}
