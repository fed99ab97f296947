import type { ServerFactory } from "./hosted-server.ts";
import {
  parseSupervisorMessage,
  type StartOrder,
  type SupervisorMessage,
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

  constructor(createServer: ServerFactory) {
    this.#createServer = createServer;
  }

  run(): void {
    process.on("disconnect", () => process.exit(0));
    // A terminal sends these to all processes; the supervisor decides. A service manager may send SIGTERM to all.
    for (const name of ["SIGINT", "SIGHUP"]) process.on(name, () => {});
    process.on("SIGTERM", () => this.#drain());
    process.on("message", (value) => this.#receive(parseSupervisorMessage(value)));
    this.#send({ type: "booted" });
  }

  #receive(message: SupervisorMessage): void {
    switch (message.type) {
      case "start":
        this.#start(message.order);
        break;
      case "drain":
        this.#drain();
        break;
      case "read-only":
        void this.#serving?.then((serving) => serving.setReadOnly(message.on));
        break;
      default:
        this.#coordination?.receive(message);
    }
  }

  #start(order: StartOrder): void {
    this.#serving = startServing({
      order,
      createServer: this.#createServer,
      createCoordination: (leases) => {
        const coordination = new SupervisedCoordination(leases, (message) => this.#send(message));
        for (const { slice, keys } of order.slices) {
          coordination.receive({ type: "slice-propose", slice, keys });
        }
        this.#coordination = coordination;
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

  #drain(): void {
    if (this.#stopping) return;
    this.#stopping = true;
    const stopped = this.#serving?.then((serving) => serving.stop()) ?? Promise.resolve();
    stopped.then(
      () => process.exit(0),
      () => process.exit(1),
    );
  }

  #send(message: WorkerMessage): void {
    if (!process.connected) return;
    // A supervisor that was killed is noticed here before its channel is closed.
    process.send?.(message, undefined, undefined, (error) => {
      if (error !== null) process.exit(0);
    });
  }
}
