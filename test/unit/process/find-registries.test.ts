import { mkdir, mkdtemp, rm, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load-config.ts";
import type { LoadedConfig } from "../../../src/config/settings.ts";
import { findRegistries } from "../../../src/process/find-registries.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-find-"));
  await mkdir(join(folder, "store"));
  await mkdir(join(folder, "elsewhere"));
  await mkdir(join(folder, "proc/self"), { recursive: true });
  await writeFile(
    join(folder, "config.yml"),
    `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/store\nhttp:\n  addr: 127.0.0.1:1\n`,
  );
});

afterEach(async () => {
  await rm(folder, { recursive: true });
});

async function ours(): Promise<LoadedConfig> {
  return loadConfig({ cwd: folder, env: {}, argument: "config.yml" });
}

async function addProcess(
  pid: number,
  args: string[],
  options: { env?: Record<string, string>; parent?: number } = {},
): Promise<void> {
  const path = join(folder, "proc", String(pid));
  await mkdir(path);
  await symlink("/", join(path, "root"));
  await symlink(folder, join(path, "cwd"));
  await writeFile(join(path, "cmdline"), args.map((arg) => `${arg}\0`).join(""));
  const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}\0`);
  await writeFile(join(path, "environ"), env.join(""));
  await writeFile(join(path, "status"), `Name:\tx\nPPid:\t${options.parent ?? 1}\n`);
}

async function find() {
  const found = await findRegistries(await ours(), join(folder, "proc"));
  return found.map(({ pid, usesOurStore, usesOurConfig }) => ({ pid, usesOurStore, usesOurConfig }));
}

describe("findRegistries", () => {
  it("finds a registry that was started with our configuration, from another folder too", async () => {
    await addProcess(7, ["/usr/bin/docker-registry", "serve", "config.yml"]);
    await addProcess(8, [
      "node",
      "/opt/bin/registry-ctl.js",
      "serve",
      "--workers=2",
      join(folder, "config.yml"),
    ]);
    expect(await find()).toEqual([
      { pid: 7, usesOurStore: true, usesOurConfig: true },
      { pid: 8, usesOurStore: true, usesOurConfig: true },
    ]);
  });

  it("sees that its environment leads it to another store", async () => {
    await addProcess(7, ["registry", "serve", "config.yml"], {
      env: { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: join(folder, "elsewhere") },
    });
    expect(await find()).toEqual([{ pid: 7, usesOurStore: false, usesOurConfig: true }]);
  });

  it("finds one that has the same store by another file", async () => {
    const text = `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: ":2"}\n`;
    await writeFile(join(folder, "other.yml"), text);
    await addProcess(7, ["registry", "serve"], {
      env: { REGISTRY_CONFIGURATION_PATH: join(folder, "other.yml") },
    });
    const [found] = await findRegistries(await ours(), join(folder, "proc"));
    expect(found).toMatchObject({ usesOurStore: true, usesOurConfig: false, http: { addr: ":2" } });
  });

  it("compares buckets, in which one server may have several names", async () => {
    const bucket = (keys: string) =>
      `version: 0.1\nstorage: {s3: {bucket: images, region: us-east-1, ${keys}}}\n`;
    await writeFile(
      join(folder, "config.yml"),
      bucket("regionendpoint: http://10.0.0.1:9000, rootdirectory: /a"),
    );
    const others = [
      "regionendpoint: 10.0.0.1:9000, secure: false, rootdirectory: a/, maxretries: 3",
      "regionendpoint: http://minio:9000, rootdirectory: a",
      "regionendpoint: http://10.0.0.1:9000, rootdirectory: b",
    ];
    for (const [index, keys] of others.entries()) {
      await writeFile(join(folder, `${index}.yml`), bucket(keys));
      await addProcess(10 + index, ["registry", "serve", `${index}.yml`]);
    }
    await writeFile(join(folder, "files.yml"), `version: 0.1\nstorage: {filesystem: {}}\n`);
    await addProcess(13, ["registry", "serve", "files.yml"]);
    expect((await find()).map(({ usesOurStore }) => usesOurStore)).toEqual([true, undefined, false, false]);
  });

  it("says that it cannot tell where a configuration cannot be read", async () => {
    await addProcess(7, ["registry", "serve", "missing.yml"]);
    expect(await find()).toEqual([{ pid: 7, usesOurStore: undefined, usesOurConfig: false }]);
  });

  it("leaves out workers, other commands and other programs", async () => {
    await addProcess(7, ["registry-ctl", "serve", "config.yml"]);
    await addProcess(8, ["registry-ctl", "serve", "config.yml"], { parent: 7 });
    await addProcess(9, ["registry", "garbage-collect", "config.yml"]);
    await addProcess(10, ["python3", "-m", "http.server"]);
    await addProcess(11, ["vi", "registry", "serve"]);
    expect((await find()).map(({ pid }) => pid)).toEqual([7]);
  });

  it("finds nothing without /proc", async () => {
    expect(await findRegistries(await ours(), join(folder, "none"))).toEqual([]);
  });
});
