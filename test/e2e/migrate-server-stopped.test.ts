import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { pushBlob, pushImage } from "../support/push-image.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

vi.setConfig({ testTimeout: 300_000 });

/** What somebody does to the server while the registry is moved. */
const EVENTS: Record<string, (world: MigrationWorld) => Promise<void>> = {
  stopped: async (world) => void (await world.run("stop")),
  restarted: async (world) => {
    await world.run("stop");
    await world.run("start");
  },
  killed: async (world) => {
    const { stdout } = await world.run("status", "--json");
    process.kill(JSON.parse(stdout).server.pid, "SIGKILL");
  },
};

async function untilPhase(world: MigrationWorld, phase: string): Promise<void> {
  for (let looks = 0; looks < 6000; looks++) {
    if ((await world.record().catch(() => undefined))?.["phase"] === phase) return;
    await sleep(5);
  }
  throw new Error(`never came to ${phase}`);
}

async function isThere({ url }: MigrationWorld, name: string): Promise<boolean> {
  const answer = await fetch(`${url}/v2/team/${name}/manifests/v1`);
  await answer.body?.cancel();
  return answer.status === 200;
}

describe("a registry whose server ends while it is moved", () => {
  it.each(
    Object.keys(EVENTS).flatMap((event) =>
      ["cutting-over", "switching"].map((phase): [string, string] => [event, phase]),
    ),
  )("loses nothing when it is %s while %s, and takes writes when it runs again", async (event, phase) => {
    const world = await makeMigrationWorld(60);
    await world.start();
    await pushImage(world.url, "team/before", "before", "v1");
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const words = ["migrate", ...target, "--cutover", "--yes", ...world.options, world.configPath];
    const running = startRegistryCtl(words);
    await untilPhase(world, phase);
    await EVENTS[event]?.(world);
    const { exitCode } = await running.result;
    const status = await world.run("status");
    const config = await readFile(world.configPath, "utf8");
    const { switching } = await world.record();
    if (switching === undefined) {
      expect(config).toContain(`rootdirectory: ${join(world.folder, exitCode === 0 ? "new" : "old")}\n`);
      expect(config).not.toContain("readonly");
      expect(await world.duties()).toEqual([]);
    } else expect(status.stdout).toContain("migrate finish");
    await world.run("start");
    if (switching === undefined) await pushImage(world.url, "team/after", "after", "v1");
    expect(await isThere(world, "before")).toBe(true);
    const again = await runRegistryCtl(words, { env: world.env });
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await readFile(world.configPath, "utf8")).toContain(join(world.folder, "new"));
    expect(await isThere(world, "before")).toBe(true);
    if (switching === undefined) expect(await isThere(world, "after")).toBe(true);
    await pushBlob(world.url, "team/writable", "again");
    expect((await world.run("verify")).exitCode).toBe(0);
  });
});
