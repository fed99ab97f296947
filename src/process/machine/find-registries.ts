import { readdir, readFile, readlink, stat } from "node:fs/promises";
import { basename, isAbsolute, join } from "node:path";
import { readEnvFrom } from "../../config/env-from.ts";
import { loadConfig } from "../../config/load-config.ts";
import type { HttpSettings, LoadedConfig, StorageSettings } from "../../config/settings.ts";
import { storeName } from "../../config/store-name.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import { type FileIdentity, whileHeld } from "./held-file.ts";

/** A registry that runs on this host, ours or another's. */
export interface FoundRegistry {
  pid: number;
  /** Whether it stores where we do; undefined if that cannot be told. */
  usesOurStore: boolean | undefined;
  /** Whether it was started with our configuration file. */
  usesOurConfig: boolean;
  /** Where it listens, if its configuration could be read. */
  http: HttpSettings | undefined;
  /** Undefined in another container, where numbers of users mean others, and if its configuration could not be read. */
  user?: RegistryProcessUser | undefined;
}

/** As whom a registry runs, and what that tells of it. */
export interface RegistryProcessUser {
  uid: number;
  gid: number;
  /** Its configuration has keys for the bucket, and they are ours. */
  hasOurKeys: boolean;
  /** What it was configured with beside its environment, if that is a file: the one in which the keys were found. */
  configFile: FileIdentity | undefined;
  /** Its `--state-dir`, or the variable that stands for it. */
  stateDir: string | undefined;
  /** Its XDG_STATE_HOME. */
  stateHome: string | undefined;
}

const PROGRAMS = new Set([
  "registry",
  "docker-registry",
  "container-registry",
  "registry-ctl",
  "registry-ctl.js",
]);

/**
 * Looks for registry processes on this host and for what they make of their configuration and environment. What cannot
 * be read, mostly for lack of rights, is left undefined. Their files are seen through `/proc/PID/root`, so that
 * containers are understood.
 *
 * @returns nothing where there is no `/proc`
 */
export async function findRegistries(ours: LoadedConfig, procFolder = "/proc"): Promise<FoundRegistry[]> {
  const names = await readdir(procFolder).catch(() => []);
  const found: FoundRegistry[] = [];
  for (const name of names) {
    const pid = Number(name);
    if (!/^\d+$/.test(name) || pid === process.pid) continue;
    const args = await commandLine(join(procFolder, name));
    if (args && !(await hasRegistryParent(join(procFolder, name), procFolder))) {
      found.push(await inspect(pid, args, ours, procFolder));
    }
  }
  return found;
}

/** @returns what follows `serve`; undefined if the process is no registry */
async function commandLine(folder: string): Promise<string[] | undefined> {
  const text = await readFile(join(folder, "cmdline"), "utf8").catch(() => "");
  const args = text.split("\0").slice(0, -1);
  // Node's own options may stand before the script.
  const isNode = basename(args[0] ?? "").startsWith("node");
  const program = (isNode ? args : args.slice(0, 1)).findIndex((arg) => PROGRAMS.has(basename(arg)));
  if (program < 0) return undefined;
  const command = args.findIndex((arg, index) => index > program && !arg.startsWith("-"));
  return args[command] === "serve" ? args.slice(command + 1) : undefined;
}

/** Workers are spoken for by their supervisor. */
async function hasRegistryParent(folder: string, procFolder: string): Promise<boolean> {
  const status = await readFile(join(folder, "status"), "utf8").catch(() => "");
  const parent = /^PPid:\s+(\d+)$/m.exec(status)?.[1];
  return (
    parent !== undefined && parent !== "0" && (await commandLine(join(procFolder, parent))) !== undefined
  );
}

async function inspect(
  pid: number,
  args: readonly string[],
  ours: LoadedConfig,
  procFolder: string,
): Promise<FoundRegistry> {
  const folder = join(procFolder, String(pid));
  const unknown: FoundRegistry = { pid, usesOurStore: undefined, usesOurConfig: false, http: undefined };
  try {
    const env = await readEnvFrom([`pid:${pid}`], {}, { cwd: "/", procFolder });
    const words = args.map((arg) => arg.replace(/^(?:--config=|-c)/, ""));
    const named =
      words.find((word) => /\.(ya?ml|json)$/.test(word)) ?? (env["REGISTRY_CONFIGURATION_PATH"] || undefined);
    return await whileHeld(seenFromHere(folder, named ?? "config.yml"), async (file) => {
      if (file === undefined && named !== undefined) return unknown;
      if (file !== undefined && ours.source.kind === "file") {
        unknown.usesOurConfig = (await isSameFile(file.openAs, ours.source.path)) === true;
      }
      const { settings, source } = await loadConfig({
        cwd: join(folder, "cwd"),
        env,
        argument: named === undefined ? undefined : file?.openAs,
        flag: undefined,
        destructive: false,
        localConfig: file?.openAs ?? false,
      });
      const usesOurStore = await isSameStore(settings.storage, ours.settings.storage, folder);
      const user = await userOf(folder, procFolder).catch(() => undefined);
      return {
        ...{ ...unknown, usesOurStore, http: settings.http },
        user: user && {
          ...user,
          hasOurKeys: haveSameKeys(settings.storage, ours.settings.storage),
          configFile: source.kind === "file" ? file?.identity : undefined,
          stateDir: stateDirOf(args, env, folder),
          stateHome: env["XDG_STATE_HOME"],
        },
      };
    });
  } catch {
    return unknown;
  }
}

/** @see https://man7.org/linux/man-pages/man5/proc_pid_status.5.html */
async function userOf(folder: string, procFolder: string): Promise<{ uid: number; gid: number } | undefined> {
  for (const kind of ["user", "pid"]) {
    const [its, own] = await Promise.all(
      [folder, join(procFolder, "self")].map((each) => readlink(join(each, "ns", kind))),
    );
    if (its !== own) return undefined;
  }
  const status = await readFile(join(folder, "status"), "utf8");
  const uid = /^Uid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  const gid = /^Gid:\s+\d+\s+(\d+)/m.exec(status)?.[1];
  return uid === undefined || gid === undefined ? undefined : { uid: Number(uid), gid: Number(gid) };
}

function haveSameKeys(its: StorageSettings, own: StorageSettings): boolean {
  if (!("credentials" in its) || !("credentials" in own)) return false;
  const { credentials: theirs } = its;
  const { credentials } = own;
  return (
    theirs !== undefined &&
    theirs.accessKey === credentials?.accessKey &&
    theirs.secretKey === credentials.secretKey
  );
}

function stateDirOf(
  args: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  folder: string,
): string | undefined {
  const index = args.findIndex((arg) => arg === "--state-dir" || arg.startsWith("--state-dir="));
  const arg = args[index];
  const given = arg?.includes("=") ? arg.slice(arg.indexOf("=") + 1) : args[index + 1];
  const written = arg === undefined ? env["REGISTRY_CTL_STATE_DIR"] : given;
  return written === undefined ? undefined : seenFromHere(folder, written);
}

/** @param folder - of the process whose store `its` is */
async function isSameStore(
  its: StorageSettings,
  own: StorageSettings,
  folder: string,
): Promise<boolean | undefined> {
  if (its.driver === "inmemory" || own.driver === "inmemory") return false;
  if (its.driver === "filesystem" || own.driver === "filesystem") {
    if (its.driver !== own.driver) return false;
    return isSameFile(seenFromHere(folder, its.rootDirectory), own.rootDirectory);
  }
  if (storeIdentity(its) === storeIdentity(own)) return true;
  // A server may have one name inside of a container and another one outside.
  return storeName(its) === storeName(own) ? undefined : false;
}

function seenFromHere(folder: string, path: string): string {
  if (path.startsWith(`${folder}/`)) return path;
  return join(folder, isAbsolute(path) ? "root" : "cwd", path);
}

async function isSameFile(left: string, right: string): Promise<boolean | undefined> {
  try {
    const [a, b] = await Promise.all([stat(left), stat(right)]);
    return a.dev === b.dev && a.ino === b.ino;
  } catch (error) {
    return error instanceof Error && "code" in error && error.code === "ENOENT" ? false : undefined;
  }
}
