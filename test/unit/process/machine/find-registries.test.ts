import { mkdir, mkdtemp, rm, stat, symlink, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../../../src/config/load-config.ts";
import type { LoadedConfig } from "../../../../src/config/settings.ts";
import { findRegistries } from "../../../../src/process/machine/find-registries.ts";

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-find-"));
  await mkdir(join(folder, "store"));
  await mkdir(join(folder, "elsewhere"));
  await mkdir(join(folder, "proc/self/ns"), { recursive: true });
  for (const kind of ["user", "pid"]) await symlink(`${kind}:[1]`, join(folder, "proc/self/ns", kind));
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
  options: { env?: Record<string, string>; parent?: number; container?: string; cwd?: string } = {},
): Promise<void> {
  const path = join(folder, "proc", String(pid));
  await mkdir(join(path, "ns"), { recursive: true });
  await symlink("user:[1]", join(path, "ns/user"));
  await symlink(options.container ?? "pid:[1]", join(path, "ns/pid"));
  await symlink("/", join(path, "root"));
  await symlink(options.cwd ?? folder, join(path, "cwd"));
  await writeFile(join(path, "cmdline"), args.map((arg) => `${arg}\0`).join(""));
  const env = Object.entries(options.env ?? {}).map(([name, value]) => `${name}=${value}\0`);
  await writeFile(join(path, "environ"), env.join(""));
  await writeFile(
    join(path, "status"),
    `Name:\tx\nPPid:\t${options.parent ?? 1}\nUid:\t5\t6\t7\t8\nGid:\t9\t10\t11\t12\n`,
  );
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
    await addProcess(9, ["registry-ctl", "serve", `--config=${folder}/config.yml`], { cwd: "/" });
    expect(await find()).toEqual([
      { pid: 7, usesOurStore: true, usesOurConfig: true },
      { pid: 8, usesOurStore: true, usesOurConfig: true },
      { pid: 9, usesOurStore: true, usesOurConfig: true },
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

  it("tells as whom it runs, what of, and whether it has our keys", async () => {
    const bucket = (secret: string) =>
      `version: 0.1\nstorage: {s3: {bucket: images, region: us-east-1, accesskey: a, secretkey: ${secret}}}\n`;
    await writeFile(join(folder, "config.yml"), bucket("ours"));
    await writeFile(join(folder, "other.yml"), bucket("other"));
    await addProcess(7, ["registry-ctl", "serve", "config.yml", "--state-dir", "state"], {
      env: { XDG_STATE_HOME: "/state" },
    });
    await addProcess(8, ["registry-ctl", "serve", "other.yml"], { env: { REGISTRY_CTL_STATE_DIR: "/s" } });
    await addProcess(9, ["registry", "serve", "config.yml"], { container: "pid:[2]" });
    const found = await findRegistries(await ours(), join(folder, "proc"));
    expect(found.map(({ user }) => user)).toEqual([
      {
        ...{ uid: 6, gid: 10, hasOurKeys: true, stateHome: "/state" },
        configFile: expect.objectContaining({ path: join(folder, "proc/7/cwd/config.yml") }),
        stateDir: join(folder, "proc/7/cwd/state"),
      },
      expect.objectContaining({ hasOurKeys: false, stateDir: join(folder, "proc/8/root/s") }),
      undefined,
    ]);
    expect(found.map(({ usesOurStore }) => usesOurStore)).toEqual([true, true, true]);
  });

  it("tells which file has the keys also where a process has named none", async () => {
    const text = "version: 0.1\nstorage: {s3: {bucket: b, region: r, accesskey: a, secretkey: s}}\n";
    await writeFile(join(folder, "config.yml"), text);
    await addProcess(7, ["registry-ctl", "serve"]);
    const { ino, dev } = await stat(join(folder, "config.yml"));
    const [found] = await findRegistries(await ours(), join(folder, "proc"));
    expect(found).toMatchObject({ usesOurStore: true, usesOurConfig: true });
    const path = join(folder, "proc/7/cwd/config.yml");
    expect(found?.user).toMatchObject({ hasOurKeys: true, configFile: { path, ino, dev } });
  });

  it("opens nothing but files, wherever a process says that its configuration is", async () => {
    await execa("mkfifo", [join(folder, "elsewhere/config.yml")]);
    await symlink("/dev/zero", join(folder, "elsewhere/zero.yml"));
    const cwd = join(folder, "elsewhere");
    await addProcess(7, ["registry", "serve", "config.yml"], { cwd });
    await addProcess(8, ["registry", "serve", "zero.yml"], { cwd });
    await addProcess(9, ["registry-ctl", "serve"], { cwd });
    expect(await find()).toEqual([
      { pid: 7, usesOurStore: undefined, usesOurConfig: false },
      { pid: 8, usesOurStore: undefined, usesOurConfig: false },
      { pid: 9, usesOurStore: false, usesOurConfig: false },
    ]);
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
