import { utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import type { StorageSettings } from "../../src/config/settings.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { openDriver } from "../../src/storage/open-driver.ts";
import { bucketStorage } from "./ceph/bucket-storage.ts";
import type { TestBucket } from "./ceph/test-bucket.ts";
import { type Pushed, RegistryTree } from "./registry-tree.ts";
import { writeServeConfig } from "./serve-process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** A store of a test, with a configuration that names it. */
export interface NamedStore {
  driver: StorageDriver;
  configPath: string;
  stateDir: string;
}

/** What {@link fillStore} has pushed. */
export interface FilledStore {
  shared: Pushed;
  image: Pushed;
  platform: Pushed;
  index: Pushed;
}

/** An empty store on a disk. Nothing listens at the address of its configuration unless a test does. */
export async function storeOnDisk(): Promise<NamedStore & { rootDirectory: string }> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "registry");
  const driver = new FilesystemDriver({ rootDirectory });
  const configPath = await writeServeConfig({ rootDirectory, port: 1 });
  return { driver, rootDirectory, configPath, stateDir: join(folder, "state") };
}

/** An empty store in a bucket. */
export async function storeInBucket(bucket: TestBucket): Promise<NamedStore> {
  const folder = await temporaryFolder();
  const configPath = await writeServeConfig({
    rootDirectory: join(folder, "registry"),
    storage: bucketStorage(bucket),
    port: 1,
  });
  const settings: StorageSettings = bucket.settings({ rootDirectory: "images" });
  return { driver: await openDriver(settings, {}), configPath, stateDir: join(folder, "state") };
}

/** Pushes the same images into any store. */
export async function fillStore(driver: StorageDriver): Promise<FilledStore> {
  const repository = new RegistryTree(driver).repository("group/app");
  const shared = await repository.layer("shared layer");
  const image = await repository.image("image", [shared, "own layer"], { tag: "v1" });
  const amd64 = await repository.image("amd64", [shared]);
  const platform = await repository.image("arm64", ["arm64 layer"]);
  const index = await repository.index([amd64, platform], { tag: "latest" });
  return { shared, image, platform, index };
}

/** Makes all files of a store on a disk an hour old: what was changed just now would be no difference. */
export async function age({ driver, rootDirectory }: Awaited<ReturnType<typeof storeOnDisk>>): Promise<void> {
  const hourAgo = new Date(Date.now() - 3_600_000);
  for (const path of await new RegistryTree(driver).files("/")) {
    await utimes(join(rootDirectory, path), hourAgo, hourAgo);
  }
}

/** All files of a store with what they hold, without locks. */
export async function contentsOf(driver: StorageDriver): Promise<Map<string, string>> {
  const files = new Map<string, string>();
  for (const path of await new RegistryTree(driver).files("/docker/registry/v2")) {
    files.set(path, Buffer.from(await driver.get(path)).toString("latin1"));
  }
  return files;
}

/** A file with part of a configuration: the storage section alone. */
export async function storageFragment(configPath: string, text: string): Promise<string> {
  const path = `${configPath}.part.yml`;
  await writeFile(path, text);
  return path;
}
