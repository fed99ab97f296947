import { execFileSync } from "node:child_process";
import { mkdirSync, rmSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it, onTestFinished, vi } from "vitest";
import { fillDisk } from "../support/full-disk.ts";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { describeAsRoot } from "../support/programs.ts";
import { pushImage } from "../support/push-image.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

vi.setConfig({ testTimeout: 300_000 });

/** Puts the state folder on a disk of its own. */
function onSmallDisk({ stateDir }: MigrationWorld): void {
  mkdirSync(stateDir, { recursive: true });
  execFileSync("mount", ["-t", "tmpfs", "-o", "size=8m", "tmpfs", stateDir]);
  onTestFinished(() => void execFileSync("umount", ["-l", stateDir]));
}

async function untilWritable({ url }: MigrationWorld): Promise<void> {
  await vi.waitFor(
    async () => {
      const answer = await fetch(`${url}/v2/team/probe/blobs/uploads/`, { method: "POST" });
      await answer.body?.cancel();
      expect(answer.status).toBe(202);
    },
    { timeout: 30_000, interval: 100 },
  );
}

describeAsRoot("migrate without room for what it has to remember", () => {
  it.each(["copying", "cutting-over", "verified", "switching", "switched"])(
    "from %s on: loses nothing, and says how to go on if the registry stays read-only",
    async (phase) => {
      const world = await makeMigrationWorld(60);
      onSmallDisk(world);
      await world.start();
      await pushImage(world.url, "team/before", "before", "v1");
      const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
      const words = ["migrate", ...target, "--cutover", "--yes", ...world.options, world.configPath];
      const running = startRegistryCtl(words);
      for (;;) {
        const record = await world.record().catch(() => undefined);
        if (record?.["phase"] === phase) break;
        await sleep(2);
      }
      fillDisk(world.stateDir, "bytes");
      const { exitCode, stderr } = await running.result;
      const status = await world.run("status");
      if (exitCode !== 0) expect(stderr).toContain("no space left");
      const half = (await world.record())["switching"];
      if (half === undefined) {
        const uses = exitCode === 0 ? "new" : "old";
        expect(status.stdout).toContain(`store:      ${join(world.folder, uses)}`);
        if (exitCode !== 0) expect(status.stdout).not.toContain("uses the new store");
        await untilWritable(world);
        await pushImage(world.url, "team/meanwhile", "meanwhile", "v1");
      } else {
        expect(status.stdout).toContain("left half done");
        expect(status.stdout).toContain("migrate finish");
      }
      rmSync(join(world.stateDir, "ballast"));
      const done = await runRegistryCtl(words, { env: world.env });
      expect(done.stderr).not.toContain("error:");
      expect(done.exitCode).toBe(0);
      await untilWritable(world);
      expect(await world.duties()).toEqual([]);
      const verified = await world.run("verify");
      expect(verified.exitCode, verified.stdout).toBe(0);
      for (const name of half === undefined ? ["before", "meanwhile"] : ["before"]) {
        const answer = await fetch(`${world.url}/v2/team/${name}/manifests/v1`);
        await answer.body?.cancel();
        expect([name, answer.status]).toEqual([name, 200]);
      }
    },
  );
});
