import {
  CollectionBarrier,
  type CollectionBarrierOptions,
} from "../../../src/process/collector/collection-barrier.ts";
import type { SupervisorMessage, WorkerMessage } from "../../../src/process/workers/messages.ts";
import { SupervisedCoordination } from "../../../src/process/workers/supervised-coordination.ts";
import { LeaseLog } from "../../../src/state/lease-log.ts";
import { NoSliceRecords, type SliceRecords } from "../../../src/state/slice-records.ts";
import { silentLogger } from "../../support/silent-logger.ts";

/** A worker whose messages wait until a test lets them pass. */
export interface StagedWorker {
  id: number;
  coordination: SupervisedCoordination;
  /** What the supervisor has sent and the worker has not received. */
  toWorker: SupervisorMessage[];
  /** What the worker has sent and the supervisor has not received. */
  toSupervisor: WorkerMessage[];
}

/** A supervisor's barrier and workers, where a test decides when each message arrives. */
export class Stage {
  readonly barrier: CollectionBarrier;
  readonly workers = new Map<number, StagedWorker>();
  /** What the dead have leased. */
  readonly leased = new Set<string>();
  #now = 0;

  constructor({
    mayComeLate = false,
    replyWithinMs = 60_000,
    records = new NoSliceRecords(mayComeLate) as SliceRecords,
    children = undefined as CollectionBarrierOptions["children"],
  } = {}) {
    this.barrier = new CollectionBarrier({
      leases: { has: (key) => this.leased.has(key), refresh: () => {} },
      records,
      children,
      logger: silentLogger,
      replyWithinMs,
      now: () => this.#now,
    });
    this.barrier.connect((worker, message) => this.workers.get(worker)?.toWorker.push(message));
  }

  /** Starts a worker, which takes its order at once. */
  start(id: number): StagedWorker {
    const order = this.barrier.join(id);
    const toSupervisor: WorkerMessage[] = [];
    const coordination = new SupervisedCoordination(
      new LeaseLog({ folder: undefined, logger: silentLogger }),
      (message) => toSupervisor.push(message),
    );
    coordination.enter(order);
    const worker: StagedWorker = { id, coordination, toWorker: [], toSupervisor };
    this.workers.set(id, worker);
    return worker;
  }

  /** Lets one message of the supervisor arrive. */
  toWorker({ toWorker, coordination }: StagedWorker): void {
    const message = toWorker.shift();
    if (message === undefined) throw new Error("the supervisor has said nothing");
    coordination.receive(message);
  }

  /** Lets one message of a worker arrive. */
  toSupervisor({ id, toSupervisor }: StagedWorker): void {
    const message = toSupervisor.shift();
    if (message === undefined) throw new Error("the worker has said nothing");
    this.barrier.receive(id, message);
  }

  /** Lets all messages arrive until nobody says anything more. */
  async settle(): Promise<void> {
    for (let quiet = 0; quiet < 2; ) {
      quiet++;
      for (const worker of this.workers.values()) {
        while (worker.toWorker.length > 0) this.toWorker(worker);
        while (worker.toSupervisor.length > 0) this.toSupervisor(worker);
        await tick();
        if (worker.toWorker.length + worker.toSupervisor.length > 0) quiet = 0;
      }
    }
  }

  /** Begins a collection with all workers. */
  async begin(): Promise<void> {
    const begun = this.barrier.begin();
    await this.settle();
    await begun;
  }

  /** Has a slice condemned with all workers. */
  async condemn(number: number, keys: readonly string[]): Promise<string[]> {
    const condemned = this.barrier.condemn(number, keys);
    await this.settle();
    return [...(await condemned)];
  }

  /** A worker ends in order. */
  drain(worker: StagedWorker): void {
    worker.toSupervisor.push(worker.coordination.goodbye());
    while (worker.toSupervisor.length > 0) this.toSupervisor(worker);
    this.barrier.ended(worker.id, true);
    this.workers.delete(worker.id);
  }

  /** A worker is killed; what it had said is heard. */
  crash(worker: StagedWorker): void {
    while (worker.toSupervisor.length > 0) this.toSupervisor(worker);
    this.barrier.ended(worker.id, true);
    this.workers.delete(worker.id);
  }
}

/** Lets promises that are settled have their effect. */
export function tick(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}

/** @returns whether a promise is not settled yet */
export async function isPending(promise: Promise<unknown>): Promise<boolean> {
  let isSettled = false;
  const settled = (): void => {
    isSettled = true;
  };
  promise.then(settled, settled);
  await tick();
  return !isSettled;
}
