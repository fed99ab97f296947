import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { findFreePort } from "./free-port.ts";
import { type ServerProcess, startServerProcess } from "./server-process.ts";

/** The program under test, as a user starts it; `npm run build` has made it. */
export const REGISTRY_CTL_PATH = fileURLToPath(new URL("../../bin/registry-ctl.js", import.meta.url));

/** A running `registry-ctl serve`. */
export interface ServeProcess extends ServerProcess {
  readonly configPath: string;
}

/** What a test wants of its server. */
export interface ServeOptions {
  rootDirectory: string;
  /** Instead of a filesystem store at `rootDirectory`: lines of the `storage` section, indented by two. */
  storage?: string;
  /** Workers; 2 by default, also on machines with more cores. */
  workers?: number;
  readOnly?: boolean;
  /** A port to use again after a restart; a free one by default. */
  port?: number;
  /** `https` if `moreConfig` has a certificate. */
  scheme?: "http" | "https";
  env?: Record<string, string>;
  /** More options of the command. */
  args?: readonly string[];
  /** More lines for the config file: indented ones belong to `http`. */
  moreConfig?: string;
}

/**
 * Starts `registry-ctl serve` on a loopback port, with deletes enabled, over a filesystem store. The config file lies
 * beside the store, as `<rootDirectory>.config.yml`, and what the server remembers in `<rootDirectory>.state`.
 */
export async function startServe(options: ServeOptions): Promise<ServeProcess> {
  const port = options.port ?? (await findFreePort());
  const configPath = await writeServeConfig({ ...options, port });
  const runtimeFolder = await mkdtemp(join(tmpdir(), "registry-ctl-run-"));
  // For servers that root starts as another user.
  await chmod(runtimeFolder, 0o711);
  const workers = ["--workers", String(options.workers ?? 2)];
  const state = ["--state-dir", `${options.rootDirectory}.state`];
  const server = await startServerProcess(
    [process.execPath, REGISTRY_CTL_PATH, "serve", configPath, ...workers, ...state, ...(options.args ?? [])],
    { port, scheme: options.scheme ?? "http", env: { XDG_RUNTIME_DIR: runtimeFolder, ...options.env } },
  );
  const clean = () => rm(runtimeFolder, { recursive: true, force: true });
  return {
    ...server,
    configPath,
    async stop() {
      const end = await server.stop();
      await clean();
      return end;
    },
    async kill() {
      await server.kill();
      await clean();
    },
  };
}

/** Writes a config file for a store, as both this program and the Go registry read it. */
export async function writeServeConfig(options: ServeOptions & { port: number }): Promise<string> {
  const configPath = `${options.rootDirectory}.config.yml`;
  await writeFile(
    configPath,
    `version: 0.1
log:
  accesslog:
    disabled: true
  level: warn
storage:
${options.storage ?? `  filesystem:\n    rootdirectory: ${options.rootDirectory}\n`}  delete:
    enabled: true
  maintenance:
    readonly:
      enabled: ${options.readOnly === true}
http:
  addr: 127.0.0.1:${options.port}
${options.moreConfig ?? ""}`,
  );
  return configPath;
}
