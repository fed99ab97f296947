import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { cleanEnvironment } from "./run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "./serve-process.ts";

/** Nothing ever listens there, so that nobody can be taken for a registry. */
const PORT_OF_NOBODY = 1;

/** How a collection ended. */
export interface CollectorEnd {
  exitCode: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** A collection by the real command, in a process of its own. */
export interface CollectorProcess {
  readonly pid: number;
  readonly ended: Promise<CollectorEnd>;
  isRunning(): boolean;
  send(signal: NodeJS.Signals): void;
}

/** What a test wants of a collection. */
export interface CollectorOptions {
  /** Put before the command: another program that runs it, such as strace. */
  through?: readonly string[];
  /** Instead of `<rootDirectory>.state`. */
  stateDirectory?: string;
  /** More environment variables. */
  env?: Record<string, string>;
  /** The registry's port; one of nobody by default. */
  port?: number;
  /** Instead of a filesystem store: lines of the `storage` section. */
  storage?: string;
}

/** Starts `garbage-collect -m` without grace on a store, with its state beside the store. */
export async function startCollector(
  rootDirectory: string,
  more: readonly string[] = [],
  options: CollectorOptions = {},
): Promise<CollectorProcess> {
  const configPath = await writeServeConfig({
    rootDirectory,
    port: options.port ?? PORT_OF_NOBODY,
    ...(options.storage === undefined ? {} : { storage: options.storage }),
  });
  const state = options.stateDirectory ?? stateDirectoryOf(rootDirectory);
  const args = [
    "garbage-collect",
    "-m",
    "--grace",
    "0s",
    "--json",
    "--state-dir",
    state,
    ...more,
    configPath,
  ];
  const [program = process.execPath, ...rest] = [
    ...(options.through ?? []),
    process.execPath,
    REGISTRY_CTL_PATH,
    ...args,
  ];
  const child = spawn(program, rest, {
    env: { ...cleanEnvironment(), ...options.env },
    stdio: ["ignore", "pipe", "pipe"],
  });
  const output = { stdout: "", stderr: "" };
  child.stdout.setEncoding("utf8").on("data", (text: string) => {
    output.stdout += text;
  });
  child.stderr.setEncoding("utf8").on("data", (text: string) => {
    output.stderr += text;
  });
  const ended = once(child, "close").then(() => ({
    exitCode: child.exitCode,
    signal: child.signalCode,
    ...output,
  }));
  if (child.pid === undefined) throw new Error(`${program} has not started`);
  return {
    pid: child.pid,
    ended,
    isRunning: () => child.exitCode === null && child.signalCode === null,
    send: (signal) => void child.kill(signal),
  };
}

/** Collects to the end. */
export async function runCollector(
  rootDirectory: string,
  more: readonly string[] = [],
  options: CollectorOptions = {},
): Promise<CollectorEnd> {
  return (await startCollector(rootDirectory, more, options)).ended;
}

/** Waits until something is so, or the process has ended. @returns whether it is so */
export async function waitFor(run: CollectorProcess, isTime: () => boolean): Promise<boolean> {
  while (run.isRunning()) {
    if (isTime()) return true;
    await sleep(1);
  }
  return false;
}

/** Where a collection of the store keeps its state unless told otherwise. */
export function stateDirectoryOf(rootDirectory: string): string {
  return `${rootDirectory}.state`;
}

/** The lock of a collection. */
export function lockPathOf(rootDirectory: string): string {
  return join(rootDirectory, "docker/registry/lockfiles/registry-ctl.lock");
}

/** Whether a collection holds the store's lock, or died with it. */
export function isLocked(rootDirectory: string): boolean {
  return existsSync(lockPathOf(rootDirectory));
}

/** Paths of the journals of a store's collections, the oldest first. */
export function journalsOf(rootDirectory: string): string[] {
  const state = stateDirectoryOf(rootDirectory);
  if (!existsSync(state)) return [];
  return readdirSync(state)
    .map((store) => join(state, store, "garbage-collect"))
    .filter((folder) => existsSync(folder))
    .flatMap((folder) => readdirSync(folder).map((name) => join(folder, name)))
    .filter((path) => path.endsWith(".journal"))
    .sort();
}

/**
 * The lines of a journal that were written to their end, and whether one was not. A run that finishes a journal begins
 * a new line: before that one, there may be an empty line, or what there is of a torn one.
 */
export function readJournal(path: string): { lines: unknown[]; isTorn: boolean } {
  const pieces = readFileSync(path, "utf8").split("\n");
  const isTorn = pieces.pop() !== "";
  const isFinish = (piece = ""): boolean => piece.startsWith('{"end":"finished by a later run"');
  const whole = pieces.filter((piece, index) => !isFinish(pieces[index + 1]) || isJson(piece));
  return { lines: whole.map((line): unknown => JSON.parse(line)), isTorn };
}

function isJson(text: string): boolean {
  try {
    JSON.parse(text);
    return true;
  } catch {
    return false;
  }
}
