import type { Coordination, Pin, PinKey, UploadGrant } from "../server/coordination/coordination.ts";
import { type PinAnswer, PinTable } from "../server/coordination/pin-table.ts";
import { type UploadEvents, waitForUpload } from "../server/coordination/upload-wait.ts";
import type { LeaseLog } from "../state/lease-log.ts";
import type { SupervisorMessage, WorkerMessage } from "./messages.ts";

/** Coordination of a worker, which asks its supervisor. */
export class SupervisedCoordination implements Coordination {
  readonly #leases: LeaseLog;
  readonly #send: (message: WorkerMessage) => void;
  readonly #pins: PinTable;
  readonly #uploads = new Map<number, UploadEvents>();
  readonly #questions = new Map<number, (answer: PinAnswer) => void>();
  #lastId = 0;

  /** @param send - puts a message into the channel, in order */
  constructor(leases: LeaseLog, send: (message: WorkerMessage) => void) {
    this.#leases = leases;
    this.#send = send;
    this.#pins = new PinTable({ ask: (keys) => this.#ask(keys), isLeased: (key) => leases.has(key) });
  }

  pin(keys: readonly PinKey[]): Pin | Promise<Pin> {
    return this.#pins.pin(keys);
  }

  lease(keys: readonly PinKey[]): void {
    this.#leases.lease(keys);
  }

  flushLeases(): void {
    this.#leases.flush();
  }

  acquireUpload(uuid: string, signal: AbortSignal): Promise<UploadGrant> {
    return waitForUpload((events) => {
      const id = ++this.#lastId;
      this.#uploads.set(id, events);
      this.#send({ type: "upload-acquire", id, uuid });
      return (hashed) => {
        if (!this.#uploads.delete(id)) return;
        this.#send({ type: "upload-release", id, ...(hashed === undefined ? {} : { hashed }) });
      };
    }, signal);
  }

  /** Takes what the supervisor says, as far as it is about coordination. */
  receive(message: SupervisorMessage): void {
    switch (message.type) {
      case "upload-granted":
        this.#uploads.get(message.id)?.granted(message.hashed);
        break;
      case "upload-lost":
        this.#uploads.get(message.id)?.lost();
        break;
      case "pin-answer":
        this.#questions.get(message.id)?.(message.answer);
        this.#questions.delete(message.id);
        break;
      case "slice-propose":
        this.#send({
          type: "slice-reply",
          slice: message.slice,
          needed: this.#pins.propose(message.slice, message.keys),
        });
        break;
      case "slice-withdraw":
        this.#pins.withdraw(message.slice);
        break;
      default:
        break;
    }
  }

  #ask(keys: readonly PinKey[]): Promise<PinAnswer> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#questions.set(id, resolve);
      this.#send({ type: "pin-question", id, keys: [...keys] });
    });
  }
}
