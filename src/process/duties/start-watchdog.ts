import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Readable, Writable } from "node:stream";
import { fileURLToPath } from "node:url";
import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { parseWatchdogReply, type WatchdogOrder, type WatchdogReply } from "./watchdog-order.ts";

/** A running watchdog that notices when this process ends, however it ends. */
export interface Watchdog {
  readonly pid: number;
  /**
   * Makes it do now what it is there for, and end.
   *
   * @returns undefined if it has died
   */
  end(): Promise<WatchdogReply | undefined>;
  /** Makes it end without doing anything. */
  stop(): Promise<void>;
}

/** A process that does not say that it is ready within so long never will. */
const READY_MS = 20_000;

/**
 * Starts a watchdog over this process, with the rights that this process has now. It has begun to watch when this resolves.
 *
 * @throws {RegistryCtlError} `ERR_WATCHDOG` if it does not start
 */
export async function startWatchdog(order: WatchdogOrder): Promise<Watchdog> {
  const child = spawn(process.execPath, argumentsFor(order), {
    cwd: "/",
    detached: true,
    stdio: ["pipe", "pipe", "ignore"],
  });
  // A child that has died is noticed by the end of its lines.
  child.stdin.on("error", () => undefined);
  const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]();
  const first = await orFailed(child, lines.next()).catch((error: unknown) => {
    child.kill("SIGKILL");
    throw noWatchdog(messageOf(error), error);
  });
  if (first.value !== "ready" || child.pid === undefined) throw noWatchdog("it ended at once");
  // A command that is done need not wait for it.
  child.unref();
  for (const stream of [child.stdin, child.stdout]) unrefStream(stream);
  return {
    pid: child.pid,
    async stop() {
      refStream(child.stdout);
      child.stdin.write("stop\n");
      await lines.next();
    },
    async end() {
      refStream(child.stdout);
      child.stdin.write("end\n");
      const { value } = await lines.next();
      return typeof value === "string" ? parseWatchdogReply(value) : undefined;
    },
  };
}

/**
 * Starts a watchdog that outlives this process and its terminal, and acts at the time of its order.
 *
 * @throws {RegistryCtlError} `ERR_WATCHDOG` if it does not start
 */
export async function startTimedWatchdog(order: WatchdogOrder & { untilMs: number }): Promise<void> {
  const child = spawn(process.execPath, argumentsFor(order), { cwd: "/", detached: true, stdio: "ignore" });
  await orFailed(child, once(child, "spawn")).catch((error: unknown) => {
    throw noWatchdog(messageOf(error), error);
  });
  child.unref();
}

function argumentsFor(order: WatchdogOrder): string[] {
  const program = import.meta.url.endsWith(".ts") ? "./watchdog.ts" : "./watchdog.js";
  return [...process.execArgv, fileURLToPath(new URL(program, import.meta.url)), JSON.stringify(order)];
}

async function orFailed<T>(child: ChildProcess, wanted: Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  try {
    return await Promise.race([
      wanted,
      once(child, "error").then(([error]): never => {
        throw error;
      }),
      new Promise<never>((_, reject) => {
        timer = setTimeout(() => reject(new Error(`it is not ready after ${READY_MS / 1000} s`)), READY_MS);
      }),
    ]);
  } finally {
    clearTimeout(timer);
  }
}

function noWatchdog(reason: string, cause?: unknown): RegistryCtlError {
  return new RegistryCtlError(
    "ERR_WATCHDOG",
    `no process could be started that watches over this one: ${reason}`,
    {
      cause,
      hint: "nothing was changed; see whether this user may start processes",
    },
  );
}

function unrefStream(stream: Readable | Writable): void {
  if ("unref" in stream && typeof stream.unref === "function") stream.unref();
}

function refStream(stream: Readable): void {
  if ("ref" in stream && typeof stream.ref === "function") stream.ref();
}
