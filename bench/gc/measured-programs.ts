import { findFreePort } from "../../test/support/free-port.ts";
import { findProgram } from "../../test/support/programs.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../../test/support/serve-process.ts";
import { runProgram } from "./run-program.ts";

/** A store to collect, with its config file. */
export interface Store {
  root: string;
  configPath: string;
}

/** A way to run a collection with `-m`. */
export interface Collector {
  /** The program's name and version. */
  readonly version: string;
  /**
   * @param stateFolder - where it may remember something
   * @returns the command line
   */
  command(store: Store, stateFolder: string, options: { dryRun: boolean }): string[];
}

/** Names a folder as a store, for both programs. Nothing listens on the port of the config. */
export async function describeStore(root: string): Promise<Store> {
  return { root, configPath: await writeServeConfig({ rootDirectory: root, port: await findFreePort() }) };
}

/** The Go registry, or undefined if it is not installed. */
export async function findGoCollector(signal: AbortSignal): Promise<Collector | undefined> {
  const program = findProgram("docker-registry");
  if (program === undefined) return undefined;
  return {
    version: (await runProgram([program, "--version"], signal)).trim(),
    command: (store, _, { dryRun }) => [
      program,
      "garbage-collect",
      "-m",
      ...(dryRun ? ["--dry-run"] : []),
      store.configPath,
    ],
  };
}

/** Ours, as built. Generated trees are young, so there is no grace. */
export async function findOurCollector(signal: AbortSignal): Promise<Collector> {
  const program = [process.execPath, REGISTRY_CTL_PATH, "garbage-collect"];
  return {
    version: (await runProgram([process.execPath, REGISTRY_CTL_PATH, "--version"], signal)).trim(),
    command: (store, stateFolder, { dryRun }) => [
      ...program,
      "-m",
      ...(dryRun ? ["--dry-run"] : []),
      "--state-dir",
      stateFolder,
      "--grace",
      "0s",
      store.configPath,
    ],
  };
}
