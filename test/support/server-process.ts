import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { get } from "node:https";

/** A server program that a test started and must stop. */
export interface ServerProcess {
  readonly pid: number;
  /** `127.0.0.1:port`. */
  readonly address: string;
  /** `http://127.0.0.1:port`, or with https where that was asked for. */
  readonly url: string;
  /** All that it has written so far. */
  readonly output: { stdout: string; stderr: string };
  /**
   * Sends SIGTERM and waits for the end. Harmless if it has ended.
   *
   * @throws {Error} if that takes longer than 20 seconds; it is killed then
   */
  stop(): Promise<{ exitCode: number | null; signal: NodeJS.Signals | null }>;
  /** Sends SIGKILL and waits for the end of this one process. */
  kill(): Promise<void>;
}

/**
 * Starts a server and waits until `/v2/` is answered.
 *
 * @throws {Error} with what it has written if it ends first, or does not answer within 20 seconds
 */
export async function startServerProcess(
  command: readonly [string, ...string[]],
  options: {
    port: number;
    /** `https` takes any certificate. */
    scheme?: "http" | "https";
    cwd?: string;
    env?: Record<string, string | undefined>;
  },
): Promise<ServerProcess> {
  const [program, ...args] = command;
  const child = spawn(program, args, {
    cwd: options.cwd,
    env: { ...process.env, ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, "exit");
  const address = `127.0.0.1:${options.port}`;
  const url = `${options.scheme ?? "http"}://${address}`;
  try {
    await waitUntilAnswering(child, url);
  } catch (error) {
    await killChild(child, ended);
    const reason = error instanceof Error ? error.message : String(error);
    throw new Error(`${command.join(" ")}: ${reason}\n${output.stdout}${output.stderr}`);
  }
  if (child.pid === undefined) throw new Error(`${program} has no pid`);
  return {
    pid: child.pid,
    address,
    url,
    output,
    async stop() {
      if (!hasEnded(child)) child.kill("SIGTERM");
      let late = false;
      const timer = setTimeout(() => {
        late = true;
        child.kill("SIGKILL");
      }, 20_000);
      if (!hasEnded(child)) await ended;
      clearTimeout(timer);
      if (late) throw new Error(`${program} did not end within 20 seconds of SIGTERM\n${output.stderr}`);
      return { exitCode: child.exitCode, signal: child.signalCode };
    },
    kill: () => killChild(child, ended),
  };
}

async function waitUntilAnswering(child: ChildProcess, url: string): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (hasEnded(child)) throw new Error(`ended with exit code ${child.exitCode} before it answered`);
    if (await (url.startsWith("https:") ? answersEncrypted(`${url}/v2/`) : answers(`${url}/v2/`))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("did not answer within 20 seconds");
}

async function answers(url: string): Promise<boolean> {
  const response = await fetch(url).catch(() => undefined);
  await response?.arrayBuffer();
  return response !== undefined;
}

function answersEncrypted(url: string): Promise<boolean> {
  return new Promise((resolve) => {
    const asking = get(url, { rejectUnauthorized: false, agent: false }, (response) => {
      response.resume();
      resolve(true);
    });
    asking.on("error", () => resolve(false));
  });
}

async function killChild(child: ChildProcess, ended: Promise<unknown>): Promise<void> {
  if (hasEnded(child)) return;
  child.kill("SIGKILL");
  await ended;
}

function hasEnded(child: ChildProcess): boolean {
  return child.exitCode !== null || child.signalCode !== null;
}
