import { type ChildProcess, spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { closeSync, constants, openSync, readSync, unlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa, type Options } from "execa";
import { RegistryCtlError } from "../../errors.ts";
import { lineArguments } from "./running-line.ts";

/** What became of a program. */
export interface ProgramEnd {
  /** Undefined: a signal ended it, or it took too long. */
  exitCode: number | undefined;
  /** What it has written to both outputs, in that order, without spaces at the ends. */
  output: string;
  timedOut: boolean;
}

/** Options of {@link runProgram}. */
export interface ProgramOptions {
  timeoutMs: number;
  env?: Readonly<Record<string, string | undefined>> | undefined;
}

const { O_APPEND, O_CREAT, O_EXCL, O_RDWR } = constants;
const MAX_OUTPUT = 64 * 1024;
/** What is asked to end may take so long. */
const KILL_AFTER_MS = 5_000;

/**
 * Runs a program to its end. It is in a session of its own, so that Ctrl-C on the terminal does not reach it: half
 * a restart is worse than a late answer.
 *
 * @throws {RegistryCtlError} `ERR_SERVICE` if there is no such program
 */
export async function runProgram(
  file: string,
  args: readonly string[],
  options: ProgramOptions,
): Promise<ProgramEnd> {
  const result = await execa(file, [...args], { ...commonOptions(options), all: true });
  return { ...endOf(file, result), output: result.all.slice(0, MAX_OUTPUT).trim() };
}

/**
 * Runs a line of the user's own by `/bin/sh`, as {@link runProgram}. Only the shell's own end is waited for, not
 * that of a server that it leaves behind. What takes too long is ended with all that it has started and that is still in its
 * process group.
 */
export async function runLine(line: string, { timeoutMs, env }: ProgramOptions): Promise<ProgramEnd> {
  const output = openNamelessFile();
  try {
    const environment = env === undefined ? {} : { env: { ...env } };
    const shell = spawn("/bin/sh", lineArguments(line), {
      ...{ stdio: ["ignore", output, output], detached: true },
      ...environment,
    });
    let timedOut = false;
    let hurry: NodeJS.Timeout | undefined;
    const timer = setTimeout(() => {
      timedOut = true;
      endGroup(shell.pid, "SIGTERM");
      hurry = setTimeout(() => endGroup(shell.pid, "SIGKILL"), KILL_AFTER_MS);
    }, timeoutMs);
    const ended = await endOfShell(shell);
    for (const each of [timer, hurry]) clearTimeout(each);
    // The shell may have ended before what it has started.
    if (timedOut) endGroup(shell.pid, "SIGKILL");
    return { ...endOf("/bin/sh", { ...ended, timedOut }), output: readBeginning(output).trim() };
  } finally {
    closeSync(output);
  }
}

function endOfShell(shell: ChildProcess): Promise<Omit<Ended, "timedOut">> {
  return new Promise((resolve) => {
    shell.once("error", (cause) => resolve({ originalMessage: cause.message, cause }));
    shell.once("exit", (code, signal) =>
      resolve({ exitCode: code ?? undefined, signal: signal ?? undefined }),
    );
  });
}

/** What a server that stays behind writes goes there too, and keeps nothing of ours open; whoever is killed leaves no file. */
function openNamelessFile(): number {
  const path = join(tmpdir(), `registry-ctl-${randomBytes(8).toString("hex")}`);
  const file = openSync(path, O_APPEND | O_CREAT | O_EXCL | O_RDWR, 0o600);
  unlinkSync(path);
  return file;
}

function endGroup(pid: number | undefined, signal: "SIGTERM" | "SIGKILL"): void {
  try {
    if (pid !== undefined) process.kill(-pid, signal);
  } catch {
    // All of it has ended.
  }
}

/** A line may write more than fits into memory. */
function readBeginning(file: number): string {
  const bytes = Buffer.alloc(MAX_OUTPUT);
  return bytes.toString("utf8", 0, readSync(file, bytes, 0, MAX_OUTPUT, 0));
}

/** @returns the error that tells what a program that failed has said */
export function serviceError(
  what: string,
  { output, timedOut, exitCode }: ProgramEnd,
  hint?: string,
): RegistryCtlError {
  const how = timedOut
    ? "it took too long"
    : exitCode === undefined
      ? "a signal ended it"
      : `exit code ${exitCode}`;
  const said = output === "" ? "" : `\n${output}`;
  return new RegistryCtlError("ERR_SERVICE", `${what}: ${how}${said}`, { hint });
}

function commonOptions({ timeoutMs, env }: ProgramOptions) {
  return {
    ...{ stdin: "ignore", reject: false, detached: true, cleanup: false, timeout: timeoutMs },
    ...(env === undefined ? {} : { env: { ...env }, extendEnv: false }),
  } as const satisfies Options;
}

interface Ended {
  exitCode?: number | undefined;
  signal?: string | undefined;
  timedOut: boolean;
  originalMessage?: string | undefined;
  cause?: unknown;
}

function endOf(
  file: string,
  { exitCode, signal, timedOut, originalMessage, cause }: Ended,
): Omit<ProgramEnd, "output"> {
  if (exitCode === undefined && signal === undefined && !timedOut) {
    throw new RegistryCtlError(
      "ERR_SERVICE",
      `cannot run ${file}: ${originalMessage ?? "it did not start"}`,
      {
        cause,
        hint: "run this on the host on which the registry runs, as root",
      },
    );
  }
  return { exitCode, timedOut };
}
