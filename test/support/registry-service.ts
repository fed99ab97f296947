import { execFileSync } from "node:child_process";
import { appendFileSync, existsSync, readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { findFreePort } from "./free-port.ts";
import { programPath } from "./programs.ts";
import { writeServeConfig } from "./serve-process.ts";

/** A Go registry that a script starts and stops, as an administrator's own would. */
export interface RegistryService {
  /** For `--service`. */
  spec: string;
  configPath: string;
  url: string;
  /** The process id of the registry that runs now. */
  pid(): number;
  /** How often it was started. */
  starts(): number;
  /** Runs the script: start, stop, restart, status. @returns the exit code */
  run(verb: string): number;
}

/** Writes configuration and script into a folder, and starts the registry; it is stopped when the test ends. */
export async function startRegistryService(
  folder: string,
  options: { moreConfig?: string; readOnly?: boolean } = {},
): Promise<RegistryService> {
  const port = await findFreePort();
  const rootDirectory = join(folder, "store");
  await mkdir(join(rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
  return startService(folder, await writeServeConfig({ ...options, rootDirectory, port }), port);
}

/** As {@link startRegistryService}, with a configuration that is there already. */
export async function startService(
  folder: string,
  configPath: string,
  port: number,
): Promise<RegistryService> {
  const script = join(folder, "service");
  const pidFile = join(folder, "registry.pid");
  const log = join(folder, "registry.log");
  const starts = join(folder, "starts");
  appendFileSync(starts, "");
  await writeFile(script, serviceScript({ configPath, pidFile, log, starts }), { mode: 0o755 });
  const run = (verb: string): number => {
    try {
      execFileSync(script, [verb], { stdio: "ignore" });
      return 0;
    } catch (error) {
      return error instanceof Error && "status" in error ? Number(error.status) : -1;
    }
  };
  run("start");
  onTestFinished(() => void run("stop"));
  const service: RegistryService = {
    spec: `command:${script}`,
    configPath,
    url: `http://127.0.0.1:${port}`,
    pid: () => (existsSync(pidFile) ? Number(readFileSync(pidFile, "utf8")) : 0),
    starts: () => readFileSync(starts, "utf8").length,
    run,
  };
  await untilAnswering(service.url);
  return service;
}

/** Waits until something answers at a URL, or nothing does any more. */
export async function untilAnswering(url: string, wanted = true): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    const answer = await fetch(`${url}/v2/`).catch(() => undefined);
    await answer?.arrayBuffer();
    if ((answer !== undefined) === wanted) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error(`${url} ${wanted ? "does not answer" : "still answers"} after 20 seconds`);
}

function serviceScript(paths: { configPath: string; pidFile: string; log: string; starts: string }): string {
  const { configPath, pidFile, log, starts } = paths;
  return `#!/bin/sh
# One at a time: of two that start it at once, the second would forget the first.
exec 9>'${pidFile}.lock'
flock 9
running() { [ -s '${pidFile}' ] && kill -0 "$(cat '${pidFile}')" 2>/dev/null; }
start() {
  running && return 0
  '${programPath("docker-registry")}' serve '${configPath}' >>'${log}' 2>&1 9>&- &
  echo $! >'${pidFile}'
  printf x >>'${starts}'
}
stop() {
  running || return 0
  pid=$(cat '${pidFile}')
  kill "$pid"
  while kill -0 "$pid" 2>/dev/null; do sleep 0.05; done
  rm -f '${pidFile}'
}
case "$1" in
  start) start ;;
  stop) stop ;;
  restart) stop; start ;;
  status) running || exit 3 ;;
  *) exit 2 ;;
esac
`;
}
