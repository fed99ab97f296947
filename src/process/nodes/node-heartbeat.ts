import { randomUUID } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import type { Logger } from "../../lib/logger.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { NodeRecord, NodesRequest } from "../../state/node-record.ts";
import { deleteFile, NODE_STALE_MS, nodePath, removeDeadNodes } from "../../state/nodes.ts";
import { NODES_REQUEST_PATH, readNodesRequest, withdrawFromNodes } from "../../state/nodes-request.ts";
import { type LockHolder, type StoreLockRecord, storeLockHolder } from "../../state/store-lock.ts";
import type { StorageDriver } from "../../storage/driver.ts";

const RENEW_MS = 30_000;
const LOOK_MS = 5_000;
/** Others take this server for gone soon: from then on it does not rely on being seen. */
const LATE_MS = NODE_STALE_MS / 2;

/** Why this server is to refuse writes, as the store says. */
export interface NodeHold {
  id: string;
  /** For people. */
  reason: string;
  /** Uploads under way may go on for so long. */
  drainMs: number;
}

/** Options of {@link NodeHeartbeat}. */
export interface NodeHeartbeatOptions {
  driver: StorageDriver;
  /** This machine and this process, which is the supervisor. */
  machine: LockHolder;
  /** Where the server listens. */
  address: string;
  version: string;
  logger: Logger;
  /** Tells whether writes are refused, for whatever reason. */
  isReadOnly: () => boolean;
  /**
   * Has writes refused, or ends that; resolves when every worker has acknowledged it and no earlier write is under way.
   * Never called before {@link NodeHeartbeat.start} has resolved. If it rejects it is called again.
   */
  onHold: (hold: NodeHold | undefined) => Promise<void>;
  /** For tests. */
  nowMs?: () => number;
}

/**
 * Lets the other servers on a store know of this one, by a small file in the store that is renewed every half a minute,
 * and does what is asked of all of them there. One for each server, whatever number of workers it has; none for a
 * server with `--read-only-store` or with a store in memory.
 *
 * Who wants to be alone on a store takes its lock and then looks for files of servers; a server writes its file and
 * then looks for the lock. So one of both sees the other, whoever comes first. A server that could not renew its file in
 * time, as after a sleep of its machine, looks for the lock again.
 */
export class NodeHeartbeat {
  /** Of the file, and in the server's status. */
  readonly id = randomUUID();
  readonly #options: NodeHeartbeatOptions;
  #driver: StorageDriver;
  readonly #startedAt: string;
  readonly #stop = new AbortController();
  readonly #nowMs: () => number;
  #hold: NodeHold | undefined;
  #renewedMs: number | undefined;
  /** By how much the store's clock is ahead of ours. */
  #storeAheadMs = 0;
  #isChanged = false;
  #wake: () => void = () => {};
  #failing = new Set<string>();
  #loop = Promise.resolve();

  constructor(options: NodeHeartbeatOptions) {
    this.#options = options;
    this.#driver = options.driver;
    this.#nowMs = options.nowMs ?? Date.now;
    this.#startedAt = new Date(this.#nowMs()).toISOString();
  }

  /**
   * Makes this server known and looks at what the store asks of it; to be called before it listens. Never rejects: a
   * store that takes no file does not keep a server from serving.
   *
   * @returns why it is to refuse writes from the start; `onHold` tells of the end of that
   */
  async start(): Promise<NodeHold | undefined> {
    await this.#try("the files of dead servers", () => removeDeadNodes(this.#driver, this.#options.machine));
    await this.#renew();
    this.#hold = await this.#wanted("any");
    if (this.#hold !== undefined) {
      this.#options.logger.warn("writes are refused, as the store asks for it", {
        reason: this.#hold.reason,
      });
      await this.#renew();
    }
    this.#loop = this.#run();
    return this.#hold;
  }

  /** To be called when the server began or ended to refuse writes: the others hear of it at once. */
  changed(): void {
    this.#isChanged = true;
    this.#wake();
  }

  /** From now on the same store is used by other means, such as other credentials. */
  useDriver(driver: StorageDriver): void {
    this.#driver = driver;
  }

  /** Looks and renews at once, in the place of doing so in a few seconds. For tests. */
  async look(): Promise<void> {
    const isLate = this.#isLate();
    await this.#obey(isLate ? "of others" : "known");
    const isDue = isLate || Math.abs(this.#nowMs() - (this.#renewedMs ?? 0)) >= RENEW_MS;
    if (!isDue && !this.#isChanged) return;
    this.#isChanged = false;
    await this.#renew();
    // Between the look and the renewal somebody may have found nobody here.
    if (isLate && !this.#isLate()) await this.#obey("of others");
  }

  /** Takes this server off the store. Never rejects. */
  async end(): Promise<void> {
    this.#stop.abort();
    await this.#loop;
    await this.#try(OWN_FILE, () => deleteFile(this.#driver, nodePath(this.id)));
  }

  async #run(): Promise<void> {
    const { signal } = this.#stop;
    for (let hasFailed = false; ; ) {
      if (!this.#isChanged || hasFailed) await this.#pause(signal);
      if (signal.aborted) return;
      try {
        await this.look();
        hasFailed = false;
      } catch (error) {
        hasFailed = true;
        this.#options.logger.error("what the store asks of all servers is not done yet", { error });
      }
    }
  }

  /** Until it is time to look again, something has changed, or `signal` is aborted. Does not keep a process alive. */
  async #pause(signal: AbortSignal): Promise<void> {
    const woken = new AbortController();
    this.#wake = () => woken.abort();
    const either = AbortSignal.any([signal, woken.signal]);
    await sleep(LOOK_MS, undefined, { signal: either, ref: false }).catch(() => undefined);
  }

  async #obey(locks: Locks): Promise<void> {
    const wanted = await this.#wanted(locks);
    if (wanted?.id === this.#hold?.id) return;
    const { logger, onHold } = this.#options;
    // Writes under way may take longer than others wait before they take this server for gone.
    const renewing = setInterval(() => void this.#renew(), RENEW_MS);
    try {
      await onHold(wanted);
    } finally {
      clearInterval(renewing);
    }
    this.#hold = wanted;
    this.#isChanged = true;
    if (wanted) logger.warn("writes are refused, as the store asks for it", { reason: wanted.reason });
    else logger.info("the store does not ask for writes to be refused any more");
  }

  async #wanted(locks: Locks): Promise<NodeHold | undefined> {
    const request = await this.#try(REQUESTS, () => this.#request());
    if (request) return request;
    // What cannot be read has not changed.
    if (this.#failing.has(REQUESTS)) return this.#hold;
    const held = this.#hold?.id.startsWith(LOCK_PREFIX) ? this.#hold : undefined;
    if (locks === "known" && held === undefined) return undefined;
    const lock = await this.#try(LOCK, () =>
      storeLockHolder(this.#driver, this.#options.machine, this.#nowMs()),
    );
    if (this.#failing.has(LOCK)) return this.#hold;
    if (lock === undefined) return undefined;
    const hold = lockHold(lock);
    const counts = locks === "any" || (locks === "of others" && !this.#isOfMachine(lock));
    return counts || hold.id === held?.id ? hold : undefined;
  }

  async #request(): Promise<NodeHold | undefined> {
    const driver = this.#driver;
    const request = await readNodesRequest(driver);
    if (request === undefined) return undefined;
    if ((await this.#endOf(request)) <= this.#nowMs() + this.#storeAheadMs) {
      await withdrawFromNodes(driver, request.id);
      return undefined;
    }
    const { id, by, drainMs } = request;
    return { id, drainMs, reason: by === "" ? request.reason : `${request.reason} (${by}, for all servers)` };
  }

  /** By the store's clock. Who writes it once more prolongs it. */
  async #endOf({ forMs }: NodesRequest): Promise<number> {
    if (forMs === undefined) return Number.POSITIVE_INFINITY;
    return (await this.#driver.stat(NODES_REQUEST_PATH)).modifiedMs + forMs;
  }

  async #renew(): Promise<void> {
    const driver = this.#driver;
    const path = nodePath(this.id);
    await this.#try(OWN_FILE, async () => {
      const beganMs = this.#nowMs();
      await driver.put(path, Buffer.from(`${JSON.stringify(this.#record())}\n`));
      this.#renewedMs = beganMs;
      this.#storeAheadMs = (await driver.stat(path)).modifiedMs - beganMs;
    });
  }

  #record(): NodeRecord {
    const { machine, address, version, isReadOnly } = this.#options;
    const { host, bootId, pidNamespace, pid } = machine;
    return {
      ...{ schemaVersion: 1, id: this.id, host, bootId, pidNamespace, pid, address, version },
      startedAt: this.#startedAt,
      readOnly: this.#hold !== undefined || isReadOnly(),
      ...(this.#hold === undefined ? {} : { acknowledged: this.#hold.id }),
    };
  }

  /** Others may take this server for gone, or have never heard of it. */
  #isLate(): boolean {
    return this.#renewedMs === undefined || Math.abs(this.#nowMs() - this.#renewedMs) > LATE_MS;
  }

  #isOfMachine(lock: StoreLockRecord): boolean {
    const { bootId, pidNamespace } = this.#options.machine;
    return bootId !== "" && lock.bootId === bootId && lock.pidNamespace === pidNamespace;
  }

  /** Tells once that something does not work, and once that it works again. */
  async #try<T>(what: string, work: () => Promise<T>): Promise<T | undefined> {
    const { logger } = this.#options;
    try {
      const result = await work();
      if (this.#failing.delete(what)) logger.info(`${what}: the store can be used for them again`);
      return result;
    } catch (error) {
      if (!this.#failing.has(what)) {
        logger.warn(`${what}: the store cannot be used for them`, { error: messageOf(error) });
      }
      this.#failing.add(what);
      return undefined;
    }
  }
}

/**
 * Which holders of the store's lock keep a server from writing: at its start any, since they have looked for servers before;
 * later none but those that have kept it from the start, or, where it was out of sight, those of other machines: who works on
 * the store from this one asks the server itself.
 */
type Locks = "any" | "of others" | "known";

const LOCK_PREFIX = "lock-";
const OWN_FILE = "the file of this server";
const REQUESTS = "requests to all servers";
const LOCK = "the store's lock";

function lockHold({ token, host, pid, startedAt }: StoreLockRecord): NodeHold {
  return {
    id: `${LOCK_PREFIX}${token}`,
    reason: `process ${pid} on ${host} has been working on this store since ${startedAt}`,
    drainMs: 0,
  };
}
