import { Worker } from "node:worker_threads";
import { hasSynchronousFolders, isReopenable, type Reopenable } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import {
  runStoreTask,
  type StoreTaskInput,
  type StoreTaskOutput,
  type StoreTasks,
  type TaskDriver,
} from "./store-tasks.ts";
import type { TaskAnswer, TaskRequest } from "./store-worker.ts";

/** A thread has its next task at hand when it ends one. */
const TASKS_PER_THREAD = 2;
/** Tasks that are short enough to be done in this thread when all others are busy. */
const SHORT_TASKS: ReadonlySet<keyof StoreTasks> = new Set(["readManifests"]);
/** Tasks that are done in this thread while none of the others has started yet, which takes as long as some of these. */
const FIRST_TASKS: ReadonlySet<keyof StoreTasks> = new Set(["readRepositories"]);
/** A small nursery keeps a thread small. */
const SMALL_NURSERY_MB = 1;

interface WaitingTask {
  request: TaskRequest;
  resolve: (output: never) => void;
  reject: (error: unknown) => void;
}

/**
 * Runs tasks on a store in worker threads, each of which opens the store anew. With no threads, or with a driver that
 * cannot be opened twice, they run in this thread, one after the other, as they are asked for.
 *
 * Threads start when there is something to do. They do not keep the process alive. Where the system lets no more of them
 * start (`ulimit -u`, `pids.max`), there are as many as could start.
 */
export class StoreThreads {
  readonly #driver: TaskDriver;
  readonly #opening: Reopenable["openedWith"] | undefined;
  #limit: number;
  readonly #nurseryMb: number;
  readonly #threads: StoreThread[] = [];
  readonly #queue: WaitingTask[] = [];
  #lastId = 0;
  #isHelping = false;
  #failure: Error | undefined;

  /**
   * @param threads - at most so many; 0: none
   * @param nurseryMb - where a thread keeps what it makes; larger is faster for tasks that parse
   */
  constructor(driver: StorageDriver & TaskDriver, threads: number, nurseryMb = SMALL_NURSERY_MB) {
    this.#nurseryMb = nurseryMb;
    this.#driver = driver;
    this.#opening = isReopenable(driver) && canStartThreads() ? driver.openedWith : undefined;
    this.#limit = threads;
  }

  /** @returns threads for a driver on which tasks can run; undefined for another */
  static for(driver: StorageDriver, threads: number, nurseryMb?: number): StoreThreads | undefined {
    return hasSynchronousFolders(driver) ? new StoreThreads(driver, threads, nurseryMb) : undefined;
  }

  /** Starts the first thread before there is something to do. */
  warmUp(): void {
    if (this.#limit > 0 && this.#opening && this.#threads.length === 0) this.#startThread(this.#opening);
  }

  /** Runs a task; rejects only if a thread died or the task has a bug. */
  run<Name extends keyof StoreTasks>(
    name: Name,
    input: StoreTaskInput<Name>,
  ): Promise<StoreTaskOutput<Name>> {
    if (this.#limit === 0 || this.#opening === undefined) {
      return new Promise((resolve) => resolve(runStoreTask(this.#driver, name, input)));
    }
    if (this.#failure) return Promise.reject(this.#failure);
    return new Promise((resolve, reject) => {
      this.#queue.push({ request: { id: ++this.#lastId, name, input }, resolve, reject });
      this.#dispatch();
    });
  }

  /** Ends the threads; what they were doing is given up. */
  async close(): Promise<void> {
    this.#fail(new Error("the threads were ended"));
    await Promise.all(this.#threads.splice(0).map((thread) => thread.close()));
  }

  #dispatch(): void {
    while (this.#queue.length > 0) {
      const thread = this.#idlest();
      if (thread === undefined && this.#limit > 0) {
        this.#helpSoon();
        return;
      }
      const task = this.#queue.shift();
      if (!task) return;
      if (thread) thread.start(task);
      else this.#runHere(task);
    }
  }

  /** Does one of the short tasks that wait, once there is nothing else to do. */
  #helpSoon(): void {
    if (this.#isHelping) return;
    this.#isHelping = true;
    setImmediate(() => {
      this.#isHelping = false;
      const isWaiting = !this.#threads.some((thread) => thread.hasAnswered);
      const index = this.#queue.findIndex(
        ({ request: { name } }) => SHORT_TASKS.has(name) || (isWaiting && FIRST_TASKS.has(name)),
      );
      const [task] = index < 0 ? [] : this.#queue.splice(index, 1);
      if (!task) return;
      this.#runHere(task);
      this.#dispatch();
    });
  }

  #runHere({ request: { name, input }, resolve, reject }: WaitingTask): void {
    try {
      resolve(runStoreTask(this.#driver, name, input) as never);
    } catch (error) {
      reject(error);
    }
  }

  #idlest(): StoreThread | undefined {
    let best: StoreThread | undefined;
    for (const thread of this.#threads) if (!best || thread.load < best.load) best = thread;
    if ((best === undefined || best.load > 0) && this.#threads.length < this.#limit && this.#opening) {
      best = this.#startThread(this.#opening) ?? best;
    }
    return best && best.load < TASKS_PER_THREAD ? best : undefined;
  }

  #startThread(opening: Reopenable["openedWith"]): StoreThread | undefined {
    try {
      const thread = new StoreThread(
        { ...opening, nurseryMb: this.#nurseryMb },
        () => this.#dispatch(),
        (error) => this.#fail(error),
      );
      this.#threads.push(thread);
      return thread;
    } catch {
      this.#limit = this.#threads.length;
      return undefined;
    }
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    for (const { reject } of this.#queue.splice(0)) reject(error);
    for (const thread of this.#threads) thread.giveUp(error);
  }
}

class StoreThread {
  readonly #worker: Worker;
  readonly #running = new Map<number, WaitingTask>();
  #hasAnswered = false;

  constructor(
    { nurseryMb, ...opening }: Reopenable["openedWith"] & { nurseryMb: number },
    onIdle: () => void,
    onFailure: (error: Error) => void,
  ) {
    this.#worker = new Worker(new URL("./store-worker.js", import.meta.url), {
      workerData: opening,
      resourceLimits: { maxYoungGenerationSizeMb: nurseryMb },
    });
    this.#worker.unref();
    this.#worker.on("message", (answer: TaskAnswer) => {
      this.#hasAnswered = true;
      const task = this.#running.get(answer.id);
      this.#running.delete(answer.id);
      if (this.#running.size === 0) this.#worker.unref();
      onIdle();
      if ("error" in answer) task?.reject(new Error(`a worker thread failed: ${answer.error}`));
      else task?.resolve(answer.output as never);
    });
    this.#worker.on("error", onFailure);
    this.#worker.on("exit", (code) => onFailure(new Error(`a worker thread ended with code ${code}`)));
  }

  /** It runs, and is not still being started. */
  get hasAnswered(): boolean {
    return this.#hasAnswered;
  }

  /** How many tasks it has. */
  get load(): number {
    return this.#running.size;
  }

  start(task: WaitingTask): void {
    this.#running.set(task.request.id, task);
    this.#worker.ref();
    this.#worker.postMessage(task.request);
  }

  giveUp(error: Error): void {
    for (const { reject } of this.#running.values()) reject(error);
    this.#running.clear();
  }

  async close(): Promise<void> {
    this.#worker.removeAllListeners("exit");
    await this.#worker.terminate();
  }
}

/** Threads run the built program: this version of Node cannot load TypeScript. */
function canStartThreads(): boolean {
  return import.meta.url.endsWith(".js");
}
