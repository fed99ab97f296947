import {
  copyFileSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { fillDisk, type Scarce } from "../support/full-disk.ts";
import { describeAsRoot } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import { mountSmallDisk, type SmallDisk } from "../support/small-disk.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const SCARCE: [Scarce, string][] = [
  ["bytes", "size=64k"],
  ["inodes", "nr_inodes=40"],
];

function smallDisk(options: string): SmallDisk | undefined {
  const disk = mountSmallDisk(options);
  if (disk !== undefined) onTestFinished(() => disk.unmount());
  return disk;
}

/** @returns the names in a folder, without what fills the disk */
function namesIn(folder: string): string[] {
  return readdirSync(folder).filter((name) => name !== "ballast" && !/^f\d+$/.test(name));
}

describeAsRoot("a disk without room for a configuration or what derives from it", () => {
  it.each(SCARCE)(
    "without %s: cron install and reconfigure --write leave files as they were",
    async (scarce, options) => {
      const disk = smallDisk(options);
      if (disk === undefined) return;
      const config = join(await temporaryFolder(), "config.yml");
      writeFileSync(
        config,
        'version: 0.1\nstorage: {filesystem: {rootdirectory: /nonexistent/store}}\nhttp: {addr: ":5000"}\n',
      );
      const place = ["--prefix-dir", disk.path, "--yes", config];
      const installed = await runRegistryCtl(["cron", "install", ...place]);
      expect(installed.exitCode, installed.stderr).toBe(0);
      const folder = join(disk.path, "etc/cron.d");
      const file = join(folder, "registry-garbage-collect");
      const text = readFileSync(file, "utf8");
      fillDisk(disk.path, scarce);

      const again = await runRegistryCtl(["cron", "install", "--schedule", "1 1 * * *", ...place]);
      const site = await runRegistryCtl(["reconfigure", "--write", "nginx", ...place]);

      for (const [{ stdout, stderr, exitCode }, path] of [
        [again, file],
        [site, join(disk.path, "etc/nginx/conf.d/registry.conf")],
      ] as const) {
        expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 1 });
        expect(stderr).toContain(
          `${path} cannot be written: its disk has no room, or no inode, left (ENOSPC)`,
        );
        expect(stderr).toContain("make room there");
      }
      expect(readFileSync(file, "utf8")).toBe(text);
      expect(namesIn(folder)).toEqual(["registry-garbage-collect"]);
      expect(namesIn(join(disk.path, "etc"))).not.toContain("registry.conf");
    },
  );

  it.each(SCARCE)(
    "without %s: readonly on --persist leaves file and server as they were",
    async (scarce, options) => {
      const disk = smallDisk(options);
      if (disk === undefined) return;
      const rootDirectory = join(await temporaryFolder(), "store");
      mkdirSync(rootDirectory);
      const env = { XDG_RUNTIME_DIR: await temporaryFolder() };
      const server = await startServe({ rootDirectory, env });
      onTestFinished(async () => void (await server.stop()));
      const real = join(disk.path, "config.yml");
      copyFileSync(server.configPath, real);
      rmSync(server.configPath);
      symlinkSync(real, server.configPath);
      const text = readFileSync(real, "utf8");
      fillDisk(disk.path, scarce);
      const state = ["--state-dir", `${rootDirectory}.state`, server.configPath];

      const { stdout, stderr, exitCode } = await runRegistryCtl(
        ["readonly", "on", "--persist", "--yes", ...state],
        { env },
      );

      expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 1 });
      expect(stderr).toContain("cannot be written: its disk has no room, or no inode, left (ENOSPC)");
      expect(readFileSync(real, "utf8")).toBe(text);
      expect(namesIn(disk.path)).toEqual(["config.yml"]);
      const status = await runRegistryCtl(["readonly", "status", "--json", ...state], { env });
      expect(JSON.parse(status.stdout)).toMatchObject({ readOnly: false });
    },
  );
});
