import type {
  Coordination,
  Exclusion,
  Pin,
  PinKey,
  PinUse,
  UploadGrant,
} from "../../server/coordination/coordination.ts";
import { type PinAnswer, PinTable } from "../../server/coordination/pin-table.ts";
import { stillRelied } from "../../server/coordination/still-relied.ts";
import { type UploadEvents, waitForUpload } from "../../server/coordination/upload-wait.ts";
import type { LeaseLog } from "../../state/lease-log.ts";
import type { StartOrder, SupervisorMessage, WorkerMessage } from "./messages.ts";

/** Coordination of a worker, which asks its supervisor. */
export class SupervisedCoordination implements Coordination {
  #leases: LeaseLog | undefined;
  readonly #send: (message: WorkerMessage) => void;
  readonly #pins: PinTable;
  readonly #uploads = new Map<number, UploadEvents>();
  readonly #exclusions = new Map<number, (granted: boolean) => void>();
  readonly #refusals = new Map<number, () => void>();
  readonly #questions = new Map<number, (answer: PinAnswer) => void>();
  #lastId = 0;

  /**
   * @param leases - undefined: not opened yet, see {@link useLeases}
   * @param send - puts a message into the channel, in order
   */
  constructor(leases: LeaseLog | undefined, send: (message: WorkerMessage) => void) {
    this.#leases = leases;
    this.#send = send;
    this.#pins = new PinTable({
      ask: (keys) => this.#ask(keys),
      isLeased: (key) => this.#leases?.has(key) === true,
    });
  }

  /** To be called before the first request is taken. */
  useLeases(leases: LeaseLog): void {
    this.#leases = leases;
  }

  /** Takes over what is going on when this worker begins. To be called before it listens. */
  enter({ run, slices, undecided = [] }: Pick<StartOrder, "run" | "slices" | "undecided">): void {
    if (run !== undefined) this.#pins.begin();
    for (const { slice, keys } of slices) this.#pins.propose(slice, keys);
    for (const each of undecided) this.#pins.refuse(each);
  }

  /** Whether a request still relies on something, be it one that was cut off and has not noticed. */
  get isBusy(): boolean {
    return this.#pins.isBusy;
  }

  /**
   * Ends all pinning, and hands over what has been relied on. To be called when no request is under way any more and the
   * leases are closed.
   */
  goodbye(): Extract<WorkerMessage, { type: "goodbye" }> {
    this.#pins.close();
    const { relied } = this.#pins;
    return {
      type: "goodbye",
      ...(relied === undefined ? {} : { relied: relied.pack() }),
      leasesWritten: this.#leases?.incomplete !== true,
    };
  }

  pin(keys: readonly PinKey[], use?: PinUse, content?: string): Pin | Promise<Pin> {
    return this.#pins.pin(keys, use, content);
  }

  refuse(keys: readonly PinKey[], content: string): Promise<void> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#refusals.set(id, resolve);
      this.#send({ type: "undecided", id, keys: [...keys], content });
    });
  }

  async exclude(keys: readonly PinKey[]): Promise<Exclusion> {
    this.#pins.checkRemoval(keys);
    const id = ++this.#lastId;
    const granted = await new Promise<boolean>((resolve) => {
      this.#exclusions.set(id, resolve);
      this.#send({ type: "exclude", id, keys: [...keys] });
    });
    if (!granted) throw stillRelied();
    const release = (isUndecided: boolean): void => this.#send({ type: "exclude-end", id, isUndecided });
    try {
      // Whoever wrote there has kept this waiting until all workers knew what became of it.
      this.#pins.checkRemoval(keys);
    } catch (error) {
      release(false);
      throw error;
    }
    return { release };
  }

  lease(keys: readonly PinKey[]): void {
    this.#leases?.lease(keys);
  }

  flushLeases(): void {
    this.#leases?.flush();
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
        this.#propose(message);
        break;
      case "exclude-answer":
        this.#exclusions.get(message.id)?.(message.granted);
        this.#exclusions.delete(message.id);
        break;
      case "slice-withdraw":
        this.#pins.withdraw(message.slice, message.undecided);
        break;
      case "refuse":
        this.#pins.refuse(message.undecided);
        this.#send({ type: "refused", round: message.round });
        break;
      case "undecided-answer":
        this.#refusals.get(message.id)?.();
        this.#refusals.delete(message.id);
        break;
      case "collection-begin":
        this.#pins.begin();
        this.#send({ type: "collection-joined", run: message.run });
        break;
      case "collection-end":
        this.#pins.end();
        break;
      default:
        break;
    }
  }

  #propose({ slice, keys, isExclusion }: Extract<SupervisorMessage, { type: "slice-propose" }>): void {
    const needed = isExclusion ? this.#pins.exclude(slice, keys) : this.#pins.propose(slice, keys);
    this.#send({ type: "slice-reply", slice, needed });
  }

  #ask(keys: readonly PinKey[]): Promise<PinAnswer> {
    return new Promise((resolve) => {
      const id = ++this.#lastId;
      this.#questions.set(id, resolve);
      this.#send({ type: "pin-question", id, keys: [...keys] });
    });
  }
}
