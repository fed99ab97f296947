import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { findFreePort } from "./free-port.ts";
import { type ProgramResult, runRegistryCtl } from "./run-registry-ctl.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A registry's configuration with an empty store, and all that commands keep beside it, in a folder of its own. */
export interface ServiceWorld {
  folder: string;
  config: string;
  store: string;
  stateDir: string;
  /** ctl.yml, which does not exist yet. */
  ctlConfig: string;
  port: number;
  url: string;
  /** Environment of the commands. */
  env: Record<string, string>;
  /** Runs a command with the configuration, the state folder and, where it takes one, ctl.yml. */
  run(command: string, ...args: string[]): Promise<ProgramResult>;
  /** Adds lines to the configuration. */
  configure(lines: string): void;
  /** What the server answers at `/v2/`; undefined: nobody answers. */
  answer(): Promise<number | undefined>;
}

/** Commands that ask for, and remember, what runs the registry. */
const SERVICE_COMMANDS = new Set(["start", "stop", "restart", "status", "tail"]);

/** Makes a world; a server in the background that is left in it is stopped when the test ends. */
export async function makeServiceWorld(
  options: { moreEnv?: Record<string, string> } = {},
): Promise<ServiceWorld> {
  const folder = await temporaryFolder();
  const [store, config, runtime] = [join(folder, "store"), join(folder, "config.yml"), join(folder, "run")];
  for (const path of [store, runtime]) mkdirSync(path);
  const port = await findFreePort();
  writeFileSync(
    config,
    `version: 0.1
log:
  accesslog:
    disabled: true
storage:
  filesystem:
    rootdirectory: ${store}
http:
  addr: 127.0.0.1:${port}
`,
  );
  const [stateDir, ctlConfig] = [join(folder, "state"), join(folder, "ctl.yml")];
  const env = { XDG_RUNTIME_DIR: runtime, ...options.moreEnv };
  const world: ServiceWorld = {
    ...{ folder, config, store, stateDir, ctlConfig, port, url: `http://127.0.0.1:${port}`, env },
    run: (command, ...args) => {
      const ctl = SERVICE_COMMANDS.has(command) ? ["--ctl-config", ctlConfig] : [];
      return runRegistryCtl([command, config, "--state-dir", stateDir, ...ctl, ...args], { env });
    },
    configure: (lines) => writeFileSync(config, `${readFileSync(config, "utf8")}${lines}`),
    answer: async () => (await fetch(`http://127.0.0.1:${port}/v2/`).catch(() => undefined))?.status,
  };
  const written = readFileSync(config, "utf8");
  onTestFinished(async () => {
    // The server is found by its configuration, which a test may have broken.
    writeFileSync(config, written);
    const { exitCode, stderr } = await world.run("stop");
    if (exitCode !== 0) throw new Error(`the server could not be stopped: ${stderr}`);
  }, 60_000);
  return world;
}
