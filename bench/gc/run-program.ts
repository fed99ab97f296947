import { type ChildProcess, spawn } from "node:child_process";
import { text } from "node:stream/consumers";

/**
 * Runs a program to its end.
 *
 * @returns what it wrote to stdout
 * @throws {Error} if it fails, with what it said; an `AbortError` if `signal` stopped it
 */
export async function runProgram(command: readonly string[], signal: AbortSignal): Promise<string> {
  const [program = "", ...args] = command;
  const child = spawn(program, args, { stdio: ["ignore", "pipe", "pipe"], signal });
  const [end, stdout, stderr] = await Promise.all([endOf(child), text(child.stdout), text(child.stderr)]);
  if (end !== 0) throw new Error(`${command.join(" ")} ended with ${end}: ${stderr.trim()}`);
  return stdout;
}

/**
 * Waits until a process is gone: also when it is being stopped, as its files may be removed then.
 *
 * @returns its exit code or the signal that ended it
 * @throws {Error} if it could not start; an `AbortError` if the signal that it was started with stopped it
 */
export async function endOf(child: ChildProcess): Promise<number | string | null> {
  return new Promise((resolve, reject) => {
    let failure: Error | undefined;
    child.on("error", (error) => {
      failure = error;
    });
    child.on("close", (code, endedBy) => (failure ? reject(failure) : resolve(code ?? endedBy)));
  });
}
