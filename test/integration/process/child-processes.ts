import { type ChildProcess, type SpawnOptions, spawn } from "node:child_process";
import { once } from "node:events";

/** A program that a test has started, with what it has printed so far. */
export interface RunningChild {
  child: ChildProcess;
  /** The exit code, once the program has ended and everything it printed is here. */
  ended: Promise<number | null>;
  output(): string;
  errors(): string;
}

/** The programs of one test; whatever still runs at its end is killed. */
export class ChildProcesses {
  #running: RunningChild[] = [];

  /** Starts Node with `args`. */
  launch(args: readonly string[], options: Omit<SpawnOptions, "stdio"> = {}): RunningChild {
    const child = spawn(process.execPath, args, { ...options, stdio: ["ignore", "pipe", "pipe"] });
    let output = "";
    let errors = "";
    child.stdout?.setEncoding("utf8").on("data", (text: string) => {
      output += text;
    });
    child.stderr?.setEncoding("utf8").on("data", (text: string) => {
      errors += text;
    });
    const ended = once(child, "close").then(() => child.exitCode);
    const running = { child, ended, output: () => output, errors: () => errors };
    this.#running.push(running);
    return running;
  }

  /** Kills what still runs and waits for its end. */
  async killAll(): Promise<void> {
    for (const { child, ended } of this.#running.splice(0)) {
      child.kill("SIGKILL");
      await ended;
    }
  }
}
