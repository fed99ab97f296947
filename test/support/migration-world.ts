import { utimesSync } from "node:fs";
import { mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { onTestFinished } from "vitest";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { bucketStorage } from "./ceph/bucket-storage.ts";
import { findFreePort } from "./free-port.ts";
import { RegistryTree } from "./registry-tree.ts";
import { type ProgramResult, runRegistryCtl } from "./run-registry-ctl.ts";
import type { S3Server } from "./s3-server/s3-server.ts";
import { listStore } from "./store-files.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A registry on a disk that is to be moved, with all that is remembered of it in one folder. */
export interface MigrationWorld {
  folder: string;
  /** Folder of the store. */
  store: string;
  stateDir: string;
  configPath: string;
  url: string;
  tree: RegistryTree;
  /** Options that every command of this world has. */
  options: string[];
  env: Record<string, string>;
  run(...args: string[]): Promise<ProgramResult>;
  /** Starts the registry in the background; it is stopped when the test ends. */
  start(): Promise<void>;
  /** What is remembered of the one move. */
  record(): Promise<Record<string, unknown>>;
  /** What is to be undone. */
  duties(): Promise<string[]>;
}

/** Makes a registry with `images` images in three repositories, all pushed an hour ago. */
export async function makeMigrationWorld(images = 12): Promise<MigrationWorld> {
  const folder = await temporaryFolder();
  const [store, stateDir, runtime] = [join(folder, "old"), join(folder, "state"), join(folder, "run")];
  await mkdir(store);
  await mkdir(runtime, { mode: 0o700 });
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory: store }));
  for (let index = 0; index < images; index++) {
    const repository = tree.repository(`team/app${index % 3}`);
    await repository.image(`image ${index}`, [`layer ${index % 5}`, `own layer ${index}`], {
      tag: `v${index}`,
    });
  }
  await makeOld(store);
  const port = await findFreePort();
  const configPath = join(folder, "config.yml");
  await writeFile(
    configPath,
    `version: 0.1\n# ours\nstorage:\n  filesystem:\n    rootdirectory: ${store}\n  delete:\n    enabled: true # keep\nhttp:\n  addr: 127.0.0.1:${port}\n`,
  );
  const options = ["--state-dir", stateDir, "--ctl-config", join(folder, "ctl.yml")];
  const env = { XDG_RUNTIME_DIR: runtime };
  const run = (...args: string[]) => runRegistryCtl([...args, ...options, configPath], { cwd: folder, env });
  return {
    ...{ folder, store, stateDir, configPath, url: `http://127.0.0.1:${port}`, tree, options, env, run },
    async start() {
      onTestFinished(async () => void (await run("stop")));
      const started = await run("start");
      if (started.exitCode !== 0) throw new Error(started.stderr);
    },
    async record() {
      const [id = "none"] = await readdir(join(stateDir, "migrations"));
      return JSON.parse(await readFile(join(stateDir, "migrations", id, "migration.json"), "utf8"));
    },
    duties: async () => {
      const names = await readdir(join(stateDir, "duties")).catch(() => []);
      return names.filter((name) => name.endsWith(".duty.json"));
    },
  };
}

/** Options that name the bucket `registry` of a server as the target, and the environment with its keys. */
export function bucketTarget(s3: S3Server): { options: string[]; env: Record<string, string> } {
  const { credentials } = s3.settings("registry");
  return {
    options: [
      "--to",
      "s3",
      "--bucket",
      "registry",
      "--endpoint",
      s3.endpoint,
      "--set",
      "forcepathstyle=true",
    ],
    env: {
      REGISTRY_CTL_TARGET_ACCESSKEY: credentials?.accessKey ?? "",
      REGISTRY_CTL_TARGET_SECRETKEY: credentials?.secretKey ?? "",
    },
  };
}

/**
 * Has the registry of a world store in the bucket `registry` of a server, where everything was written an hour ago. Nothing is left to it of its folder.
 *
 * @param rootDirectory - where in the bucket, without slashes at its ends
 */
export async function useBucket(world: MigrationWorld, s3: S3Server, rootDirectory = ""): Promise<void> {
  const bucket = s3.bucket("registry");
  const prefix = rootDirectory === "" ? "" : `${rootDirectory}/`;
  for (const path of listStore(world.store).files) {
    const bytes = await readFile(join(world.store, path));
    bucket.put(`${prefix}${path.slice(1)}`, bytes, Date.now() - 3_600_000);
  }
  const { accessKey = "", secretKey = "" } = s3.settings("registry").credentials ?? {};
  const place = { name: "registry", endpoint: s3.endpoint, accessKey, secretKey };
  const storage = bucketStorage(place, { more: { rootdirectory: `/${rootDirectory}` } });
  const text = await readFile(world.configPath, "utf8");
  const [, rest = ""] = text.split(/(?=^ {2}delete:)/m);
  await writeFile(world.configPath, `version: 0.1\nstorage:\n${storage}${rest}`);
  await rm(world.store, { recursive: true });
}

/** Has everything in a store be written an hour ago: copies leave what is younger than a few seconds to the next round. */
export async function makeOld(folder: string): Promise<void> {
  const time = new Date(Date.now() - 3_600_000);
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) utimesSync(join(entry.parentPath, entry.name), time, time);
  }
}
