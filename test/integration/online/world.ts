import { EventEmitter } from "node:events";
import type { Settings } from "../../../src/config/settings.ts";
import { CollectionBarrier } from "../../../src/process/collector/collection-barrier.ts";
import { CollectorGate } from "../../../src/process/collector/collector-gate.ts";
import { linkCollector } from "../../../src/process/collector/collector-link.ts";
import { leaseTimeMs } from "../../../src/process/lease-time.ts";
import type { SupervisorMessage, WorkerMessage } from "../../../src/process/workers/messages.ts";
import { SupervisedCoordination } from "../../../src/process/workers/supervised-coordination.ts";
import { UploadGrants } from "../../../src/process/workers/upload-grants.ts";
import type { SliceGate } from "../../../src/registry/apply/slice-gate.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { BufferRings } from "../../../src/server/buffer-rings.ts";
import { ExternalUrls } from "../../../src/server/external-url.ts";
import { handleRequest } from "../../../src/server/handle-request.ts";
import { MemoryBudget } from "../../../src/server/memory-budget.ts";
import { keyOfFile } from "../../../src/server/pin-keys.ts";
import type { ServerContext } from "../../../src/server/server-context.ts";
import { DEFAULT_LIMITS } from "../../../src/server/server-limits.ts";
import { UploadState } from "../../../src/server/upload-state.ts";
import { WritesInFlight } from "../../../src/server/writes-in-flight.ts";
import { LeaseLog } from "../../../src/state/lease-log.ts";
import type { RefusedKeys, SliceRecords } from "../../../src/state/slice-records.ts";
import { hasSmallReads } from "../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import type { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import type { UndecidedListener } from "../../../src/storage/object-store-abilities.ts";
import { wrapDriver } from "../../../src/storage/wrappers/wrap-driver.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { type ClientAnswer, FakeWire } from "./fake-wire.ts";

/** Decides what happens next: a promise that resolves when it is this one's turn. */
export type Pause = () => Promise<void>;

/** What is carried out after its sender is gone comes so much later. */
const LATE_TURNS = 20;

/** A removal takes so many turns more than another call. */
const SLICE_TURNS = 8;

/** Never resolves: what a process that is no more waits for. One for all would remember each that waits for it. */
const never = (): Promise<never> => new Promise(() => {});

/** A process that can be killed: what it waits for then never comes. */
export class FakeProcess {
  readonly #pause: Pause;
  readonly #onDead: (() => void)[] = [];
  #isDead = false;

  constructor(pause: Pause) {
    this.#pause = pause;
  }

  get isDead(): boolean {
    return this.#isDead;
  }

  kill(): void {
    if (this.#isDead) return;
    this.#isDead = true;
    for (const listener of this.#onDead) listener();
  }

  onceDead(listener: () => void): void {
    if (this.#isDead) listener();
    else this.#onDead.push(listener);
  }

  /** @param lasts - what was asked for is done even if the process is killed meanwhile */
  async pause(lasts = false): Promise<void> {
    if (this.#isDead && !lasts) return never();
    await this.#pause();
    return this.#isDead && !lasts ? never() : undefined;
  }

  async unlessDead<T>(value: Promise<T>): Promise<T> {
    const result = await value;
    return this.#isDead ? never() : result;
  }
}

/** Messages arrive in order, each when it is its turn, or several in one turn; those of the dead still do. */
class Channel<Message> {
  readonly #pause: Pause;
  readonly #receive: (message: Message) => void;
  readonly #underWay: Message[] = [];
  #last = Promise.resolve();
  #turns = 0;

  constructor(pause: Pause, receive: (message: Message) => void) {
    this.#pause = pause;
    this.#receive = receive;
  }

  send(message: Message): void {
    this.#underWay.push(structuredClone(message));
    this.#last = this.#last.then(async () => {
      if (this.#underWay.length === 0) return;
      await this.#pause();
      // What comes in one piece is all heard before any promise goes on.
      const isOnePiece = this.#turns++ % 2 === 1;
      for (const each of this.#underWay.splice(0, isOnePiece ? this.#underWay.length : 1))
        this.#receive(each);
    });
  }

  /** Resolves when all that was sent has been received. */
  drained(): Promise<void> {
    return this.#last;
  }
}

/** What the disk of the server remembers of slices. */
class FakeRecords implements SliceRecords {
  readonly mayComeLate: boolean;
  readonly #open = new Map<number, readonly string[]>();
  readonly #refused: string[] = [];
  readonly #writes: RefusedKeys[] = [];

  constructor(mayComeLate: boolean) {
    this.mayComeLate = mayComeLate;
  }

  /** What a server does that starts after another. */
  takeOver(): void {
    if (this.mayComeLate) for (const keys of this.#open.values()) this.#refused.push(...keys);
    this.#open.clear();
  }

  open(slice: number, keys: readonly string[]): void {
    this.#open.set(slice, keys);
  }

  remove(slice: number): void {
    this.#open.delete(slice);
  }

  setUndecided(slice: number, keys: readonly string[]): void {
    this.#open.delete(slice);
    this.#refused.push(...keys);
  }

  refuse(_id: number, { keys, content }: { keys: readonly string[]; content: string }): void {
    this.#writes.push({ keys: [...keys], content, forMs: 1e9 });
  }

  undecided(): RefusedKeys[] {
    return [{ keys: [...this.#refused], forMs: 1e9 }, ...this.#writes];
  }
}

/** What a world is like. */
export interface WorldOptions {
  pause: Pause;
  store: MemoryDriver;
  /** Reads of small files are requests, and a delete may be carried out after its sender is gone. */
  isRemote: boolean;
  leaseMs: number;
  /** Of an object store: the first attempt of each so manieth change gets no answer, and is carried out late. 0: none. */
  unansweredEvery: number;
  /** An object store writes on the condition of what it replaces. */
  knowsConditions: boolean;
}

interface FakeWorker {
  id: number;
  process: FakeProcess;
  coordination: SupervisedCoordination;
  context: ServerContext;
  requests: number;
  isDraining: boolean;
  /** Called when a request has ended. */
  onRequestEnd: () => void;
  toWorker: Channel<SupervisorMessage>;
  toSupervisor: Channel<WorkerMessage>;
}

interface FakeSupervisor {
  process: FakeProcess;
  barrier: CollectionBarrier;
  uploads: UploadGrants;
  workers: Map<number, FakeWorker>;
}

/** A server of several processes over one store, made of the real parts but for processes, channels and the disk. */
export class World {
  readonly options: WorldOptions;
  readonly #records: FakeRecords;
  /** Leases that workers have written; each is read by whoever asks. */
  readonly #leases: LeaseLog[] = [];
  readonly #processes: FakeProcess[] = [];
  #onRemoval: (() => void)[] = [];
  #supervisor: FakeSupervisor;
  #lastWorker = 0;
  #changes = 0;

  constructor(options: WorldOptions) {
    this.options = options;
    this.#records = new FakeRecords(options.isRemote);
    this.#supervisor = this.#startSupervisor();
    this.startWorker();
    this.startWorker();
  }

  get workers(): FakeWorker[] {
    return [...this.#supervisor.workers.values()].filter(
      ({ process, isDraining }) => !process.isDead && !isDraining,
    );
  }

  /** Resolves when a collector removes something; never, if none does. */
  nextRemoval(): Promise<void> {
    return new Promise((resolve) => void this.#onRemoval.push(resolve));
  }

  startWorker(): void {
    const supervisor = this.#supervisor;
    if (supervisor.process.isDead) return;
    const id = ++this.#lastWorker;
    const process = this.#newProcess();
    const { pause } = this.options;
    const toSupervisor = new Channel<WorkerMessage>(pause, (message) => {
      if (!supervisor.process.isDead) receive(supervisor, id, message);
    });
    const coordination = new SupervisedCoordination(undefined, (message) => {
      if (!process.isDead) toSupervisor.send(message);
    });
    const worker: FakeWorker = {
      id,
      process,
      coordination,
      context: this.#contextOf(process, coordination),
      requests: 0,
      isDraining: false,
      onRequestEnd: () => {},
      toSupervisor,
      toWorker: new Channel<SupervisorMessage>(pause, (message) => {
        if (!process.isDead) coordination.receive(message);
      }),
    };
    const { driver } = worker.context.registry;
    const leaseMs = leaseTimeMs(this.options.leaseMs, driver);
    const leases = new LeaseLog({ folder: undefined, leaseMs, logger: silentLogger });
    this.#leases.push(leases);
    const joined = supervisor.barrier.join(id);
    coordination.enter(structuredClone({ ...joined, slices: joined.slices }));
    coordination.useLeases(leases);
    supervisor.workers.set(id, worker);
    process.onceDead(() => {
      // All that it had said is heard first; a supervisor that is gone hears nothing.
      void toSupervisor
        .drained()
        .then(() => pause())
        .then(() => {
          supervisor.workers.delete(id);
          if (supervisor.process.isDead) return;
          supervisor.uploads.workerEnded(id);
          supervisor.barrier.ended(id, true);
        });
    });
  }

  /** A worker ends at once; whoever waits for an answer is told that the connection broke. */
  crashWorker(which: number): void {
    const { workers } = this;
    workers[which % workers.length]?.process.kill();
    this.startWorker();
  }

  /** A worker takes no more requests, ends when those under way have, and says goodbye. */
  async drainWorker(which: number): Promise<void> {
    const { workers } = this;
    const worker = workers[which % workers.length];
    if (worker === undefined) return;
    worker.isDraining = true;
    this.startWorker();
    while (worker.requests > 0 && !worker.process.isDead) {
      await new Promise<void>((resolve) => {
        worker.onRequestEnd = resolve;
        worker.process.onceDead(resolve);
      });
    }
    if (worker.process.isDead) return;
    worker.toSupervisor.send(worker.coordination.goodbye());
    worker.process.kill();
  }

  /** The supervisor is killed; its processes notice, end, and another one starts. One that is dead is being replaced already. */
  async crashSupervisor(): Promise<void> {
    if (this.#supervisor.process.isDead) return;
    const { pause } = this.options;
    const old = [...this.#processes];
    this.#supervisor.process.kill();
    await Promise.all(
      old.map(async (process) => {
        await pause();
        process.kill();
      }),
    );
    this.#records.takeOver();
    this.#supervisor = this.#startSupervisor();
    this.startWorker();
    this.startWorker();
  }

  /**
   * Starts a collector.
   *
   * @param run - collects with a gate and a driver; whatever becomes of it ends the process
   * @returns resolves when the process has ended and the supervisor knows
   */
  async collect(
    run: (gate: SliceGate, driver: StorageDriver) => Promise<void>,
  ): Promise<{ kill: () => void; ended: Promise<void> }> {
    const supervisor = this.#supervisor;
    const process = this.#newProcess();
    const { pause } = this.options;
    const child = new FakeChild();
    const listeners: ((value: unknown) => void)[] = [];
    let onClosed: () => void = () => {};
    const toSupervisor = new Channel<unknown>(pause, (message) => {
      if (!supervisor.process.isDead) child.emit("message", message);
    });
    const toCollector = new Channel<unknown>(pause, (message) => {
      if (!process.isDead) for (const listener of listeners) listener(message);
    });
    child.onSend = (message) => {
      if (!supervisor.process.isDead) toCollector.send(message);
    };
    linkCollector(child.asChildProcess(), supervisor.barrier);
    const gate = new CollectorGate({
      send: (message) => {
        if (!process.isDead) toSupervisor.send(message);
      },
      onMessage: (listener) => void listeners.push(listener),
      onClosed: (listener) => {
        onClosed = listener;
      },
    });
    supervisor.process.onceDead(() => void pause().then(() => onClosed()));
    const ended = new Promise<void>((resolve) => {
      process.onceDead(() => {
        void toSupervisor.drained().then(async () => {
          await pause();
          if (!supervisor.process.isDead) {
            child.emit("exit");
            child.emit("disconnect");
          }
          resolve();
        });
      });
    });
    void run(gate, this.#driverOf(process)).then(
      () => process.kill(),
      () => process.kill(),
    );
    return { kill: () => process.kill(), ended };
  }

  /**
   * Sends a request to one of the workers.
   * @returns undefined if the connection broke
   */
  async request(
    which: number,
    method: string,
    target: string,
    more: { headers?: Record<string, string>; body?: Uint8Array } = {},
  ): Promise<ClientAnswer | undefined> {
    await this.options.pause();
    const { workers } = this;
    const worker = workers[which % workers.length];
    if (worker === undefined) return undefined;
    return new Promise((resolve) => {
      worker.process.onceDead(() => resolve(undefined));
      const wire = new FakeWire({ method, target, ...more }, resolve);
      worker.requests++;
      handleRequest(worker.context, wire, {
        awaitsContinue: false,
        onEnd: () => {
          worker.requests--;
          worker.onRequestEnd();
        },
      });
    });
  }

  #startSupervisor(): FakeSupervisor {
    const leases = this.#leases;
    const barrier = new CollectionBarrier({
      leases: { has: (key) => leases.some((each) => each.has(key)), refresh: () => {} },
      records: this.#records,
      logger: silentLogger,
    });
    const process = new FakeProcess(this.options.pause);
    const workers = new Map<number, FakeWorker>();
    const send = (worker: number, message: SupervisorMessage): void => {
      if (!process.isDead) workers.get(worker)?.toWorker.send(message);
    };
    barrier.connect(send);
    return { process, barrier, uploads: new UploadGrants(send), workers };
  }

  #newProcess(): FakeProcess {
    const process = new FakeProcess(this.options.pause);
    this.#processes.push(process);
    return process;
  }

  /** The store as a process sees it: each call has its effect when it is its turn. */
  #driverOf(process: FakeProcess): StorageDriver {
    const { store, isRemote } = this.options;
    const listeners = new Set<UndecidedListener>();
    const driver = wrapDriver(store, {
      ...(isRemote ? { without: ["getSync", "statFileSync"] as const } : {}),
      call: async ({ method, path }, run) => {
        if (method === "deleteMany") for (const listener of this.#onRemoval.splice(0)) listener();
        // Slices are long beside requests, so that more of these meet one.
        const lasts = isRemote && method === "deleteMany";
        for (let turns = method === "deleteMany" ? SLICE_TURNS : 0; turns > 0; turns--) {
          await process.pause(lasts);
        }
        await process.pause(lasts);
        for (let late = process.isDead ? LATE_TURNS : 0; late > 0; late--) await process.pause(true);
        const isChange = (method === "put" || method === "delete") && keyOfFile(path) !== undefined;
        if (isRemote && isChange && this.#isUnanswered()) {
          for (const listener of listeners) listener(path);
          void this.#carryOutLate(run);
        }
        return process.unlessDead(run());
      },
      iterate: (_call, run) => oneByOne(process, run()),
    });
    if (!isRemote) return driver;
    const watched = Object.assign(driver, {
      watchUndecided: (listener: UndecidedListener) => {
        listeners.add(listener);
        return () => listeners.delete(listener);
      },
    });
    if (!this.options.knowsConditions) return watched;
    return Object.assign(watched, {
      putOver: async (path: string, content: Uint8Array) => {
        for (let isDone = false; !isDone; ) {
          await process.pause();
          const before = process.isDead ? undefined : this.#contentOf(path);
          await process.pause();
          for (let late = process.isDead ? LATE_TURNS : 0; late > 0; late--) await process.pause(true);
          const run = async (): Promise<boolean> => {
            if (this.#contentOf(path) !== before) return false;
            await store.put(path, content);
            return true;
          };
          if (this.#isUnanswered()) {
            const over = before === undefined ? "nothing" : Buffer.from(before);
            for (const listener of listeners) listener(path, over);
            void this.#carryOutLate(run);
          }
          isDone = await process.unlessDead(run());
        }
      },
    });
  }

  #contentOf(path: string): string | undefined {
    const { store } = this.options;
    const content = hasSmallReads(store) ? store.getSync(path) : undefined;
    return content && Buffer.from(content).toString();
  }

  #isUnanswered(): boolean {
    const { unansweredEvery } = this.options;
    return unansweredEvery > 0 && ++this.#changes % unansweredEvery === 0;
  }

  async #carryOutLate(run: () => Promise<unknown>): Promise<void> {
    const turns = LATE_TURNS * (1 + (this.#changes % 4));
    for (let left = turns; left > 0; left--) await this.options.pause();
    // A removal of what is gone.
    await run().catch(() => undefined);
  }

  #contextOf(process: FakeProcess, coordination: SupervisedCoordination): ServerContext {
    const limits = { ...DEFAULT_LIMITS };
    const settings = { ...SETTINGS };
    return {
      registry: new Registry(this.#driverOf(process), { manifestCacheBytes: 1024 * 1024 }),
      settings,
      coordination,
      audit: undefined,
      access: undefined,
      logger: silentLogger,
      accessLog: () => {},
      limits,
      headers: {},
      urls: new ExternalUrls(settings.http),
      uploadState: new UploadState("secret"),
      manifestMemory: new MemoryBudget(limits.manifestMemoryBytes),
      rings: new BufferRings(limits.largeBufferDownloads),
      writes: new WritesInFlight(),
      readOnly: false,
      heldNames: [],
      draining: false,
    };
  }
}

/** Listings are no snapshot: others work while one goes on. */
async function* oneByOne<T>(process: FakeProcess, items: AsyncIterable<T>): AsyncGenerator<T> {
  for await (const item of items) {
    if (!Array.isArray(item)) {
      await process.pause();
      yield item;
      continue;
    }
    for (let at = 0; at < item.length; at += LISTED_TOGETHER) {
      await process.pause();
      yield item.slice(at, at + LISTED_TOGETHER) as T;
    }
  }
}

const LISTED_TOGETHER = 8;

function receive({ barrier, uploads }: FakeSupervisor, worker: number, message: WorkerMessage): void {
  if (message.type === "upload-acquire") uploads.acquire(worker, message.id, message.uuid);
  else if (message.type === "upload-release") uploads.release(worker, message.id, message.hashed);
  else barrier.receive(worker, message);
}

class FakeChild extends EventEmitter {
  readonly connected = true;
  readonly pid = undefined;
  onSend: (message: unknown) => void = () => {};

  send(message: unknown): void {
    this.onSend(message);
  }

  kill(): void {}

  asChildProcess(): Parameters<typeof linkCollector>[0] {
    return this as unknown as Parameters<typeof linkCollector>[0];
  }
}

const SETTINGS: Settings = {
  log: { level: "info", formatter: "text", fields: {}, accessLogDisabled: true },
  storage: { driver: "inmemory" },
  deleteEnabled: true,
  readOnly: false,
  redirect: { enabled: false, expiryMs: 1 },
  uploadPurging: { enabled: false, ageMs: 1, intervalMs: 1, dryRun: false },
  catalogMaxEntries: 1000,
  tagsMaxTags: 1000,
  auth: undefined,
  gc: { reviewAfterMs: 0, continuous: undefined },
  http: {
    addr: "",
    net: "tcp",
    prefix: "/",
    host: "",
    secret: "",
    relativeUrls: true,
    drainTimeoutMs: 0,
    headers: {},
    tls: undefined,
    http2: true,
    h2c: false,
  },
};
