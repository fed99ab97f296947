import { chmodSync, mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { REGISTRY_CTL_PATH } from "./serve-process.ts";

/** What a run of the program left behind. */
export interface ProgramResult {
  stdout: string;
  stderr: string;
  exitCode: number | undefined;
}

/** Runs `bin/registry-ctl.js` as a script would: no terminal, no input, nothing of this machine's own settings. */
export async function runRegistryCtl(
  args: readonly string[],
  options: { cwd?: string; env?: Record<string, string> } = {},
): Promise<ProgramResult> {
  const { stdout, stderr, exitCode } = await execa(process.execPath, [REGISTRY_CTL_PATH, ...args], {
    cwd: options.cwd ?? tmpdir(),
    env: { ...cleanEnvironment(), ...options.env },
    extendEnv: false,
    reject: false,
    stdin: "ignore",
    timeout: 60_000,
  });
  return { stdout, stderr, exitCode };
}

/**
 * This process's environment without what changes the program's behaviour. What is remembered without `--state-dir` goes to
 * a folder of this process, which anybody may write to: never to that of the machine. Nobody is logged in anywhere.
 */
export function cleanEnvironment(): Record<string, string> {
  const kept = Object.entries(process.env).flatMap(([name, value]) =>
    value === undefined || /^(REGISTRY_|CI_|NO_COLOR$|FORCE_COLOR$)/.test(name) ? [] : [[name, value]],
  );
  const state = stateOfTests();
  return { ...Object.fromEntries(kept), REGISTRY_CTL_STATE_DIR: state, DOCKER_CONFIG: join(state, "docker") };
}

let stateFolder: string | undefined;

function stateOfTests(): string {
  if (stateFolder !== undefined) return stateFolder;
  const folder = mkdtempSync(join(tmpdir(), "registry-ctl-state-"));
  chmodSync(folder, 0o1777);
  process.on("exit", () => rmSync(folder, { recursive: true, force: true }));
  stateFolder = folder;
  return folder;
}
