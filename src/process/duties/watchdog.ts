import { spawn } from "node:child_process";
import { existsSync } from "node:fs";
import { createInterface } from "node:readline";
import { parseWatchdogOrder, type WatchdogOrder, type WatchdogReply } from "./watchdog-order.ts";

/*
 * The program of a process that brings back what another one has changed for a time, in a session of its own: when it is
 * told to, when the other one has died (its end of the pipe is closed then, however it died), or at a time. It loads as
 * little as it can, since it may stay for hours.
 */

/** How often it is tried when nobody is there to be told that it failed: for a quarter of an hour. */
const PAUSES_MS = [2, 5, 10, 30, 60, 120, 240, 480].map((seconds) => seconds * 1000);
/** The clock may be set, and the machine sleep. */
const LOOK_EVERY_MS = 15_000;
/** What was written before the end comes in as long after it at the most. */
const LAST_WORDS_MS = 1000;

const order = parseWatchdogOrder(process.argv[2]);
// A session that ends takes its processes with it; what they were to undo is still to be undone.
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(signal, () => undefined);
// Who would read it may be gone.
process.stdout.on("error", () => undefined);
await (order.untilMs === undefined ? watchPipe(order) : watchClock(order, order.untilMs));
// An open pipe would keep it.
process.exit();

async function watchPipe(watched: WatchdogOrder): Promise<void> {
  process.stdout.write("ready\n");
  for await (const line of createInterface({ input: process.stdin })) {
    if (line === "stop") return;
    if (line === "end") {
      const reply = await run(watched);
      await new Promise((resolve) => process.stdout.write(`${JSON.stringify(reply)}\n`, resolve));
      return;
    }
  }
  await restore(watched);
}

async function watchClock(watched: WatchdogOrder, untilMs: number): Promise<void> {
  for (;;) {
    if (!existsSync(watched.file)) return;
    const leftMs = untilMs - Date.now();
    if (leftMs <= 0) break;
    await sleep(Math.min(leftMs, LOOK_EVERY_MS));
  }
  await restore(watched);
}

async function restore(watched: WatchdogOrder): Promise<void> {
  for (const pauseMs of [...PAUSES_MS, 0]) {
    if (!existsSync(watched.file)) return;
    if ((await run(watched)).exitCode === 0) return;
    await sleep(pauseMs);
  }
}

function run({ command, cwd }: WatchdogOrder): Promise<WatchdogReply> {
  const [program = "", ...args] = command;
  return new Promise((resolve) => {
    const child = spawn(program, args, {
      cwd: existsSync(cwd) ? cwd : "/",
      stdio: ["ignore", "pipe", "pipe"],
    });
    const output = { stdout: "", stderr: "" };
    child.stdout.setEncoding("utf8").on("data", (text: string) => {
      output.stdout += text;
    });
    child.stderr.setEncoding("utf8").on("data", (text: string) => {
      output.stderr += text;
    });
    child.on("error", (error) => resolve({ exitCode: 1, stdout: "", stderr: error.message }));
    const end = (): void => resolve({ exitCode: child.exitCode ?? 1, ...output });
    child.on("close", end);
    // Whatever it has left behind in the background may keep its outputs.
    child.on("exit", () => setTimeout(end, LAST_WORDS_MS));
  });
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
