import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { pushImage } from "../support/push-image.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";

/** So many runs are killed, each at a moment of its own; MIGRATE_KILLS sets another number. */
const KILLS = Number(process.env["MIGRATE_KILLS"] ?? "3");
/** A whole run takes longer than that. */
const LONGEST_MS = 5000;

vi.setConfig({ testTimeout: 120_000 + KILLS * 30_000 });

/** Pushes one image after the other. What is answered otherwise than with success was not pushed. */
function pushAllTheTime({ url }: MigrationWorld): { acknowledged: string[]; stop: () => Promise<void> } {
  const acknowledged: string[] = [];
  let isOver = false;
  const work = (async () => {
    for (let number = 0; !isOver; number++) {
      const tag = `pushed${number}`;
      await pushImage(url, "team/load", `image ${number}`, tag).then(
        () => acknowledged.push(tag),
        () => sleep(50),
      );
      await sleep(20);
    }
  })();
  return {
    acknowledged,
    stop: async () => {
      isOver = true;
      await work;
    },
  };
}

async function missing({ url }: MigrationWorld, tags: readonly string[]): Promise<string[]> {
  const accept = "application/vnd.oci.image.manifest.v1+json";
  const lost: string[] = [];
  for (const tag of tags) {
    const answer = await fetch(`${url}/v2/team/load/manifests/${tag}`, { headers: { accept } });
    await answer.body?.cancel();
    if (answer.status !== 200) lost.push(tag);
  }
  return lost;
}

describe("migrate --cutover that is killed at any moment while clients push", () => {
  it("ends at the new store with every push that was acknowledged", async () => {
    const world = await makeMigrationWorld(60);
    await world.start();
    const target = ["--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const words = ["migrate", ...target, "--cutover", "--yes", ...world.options, world.configPath];
    const load = pushAllTheTime(world);
    const random = new SeededRandom(Date.now() % 100_000);
    for (let kill = 0; kill < KILLS; kill++) {
      const running = startRegistryCtl(words);
      await sleep(300 + Math.floor(random.fraction() * LONGEST_MS));
      running.child.kill("SIGKILL");
      await running.result;
      if ((await world.record().catch(() => undefined))?.["switching"] !== undefined) {
        expect((await world.run("status")).stdout).toContain("left half done");
      }
    }
    const done = await runRegistryCtl(words, { env: world.env });
    expect(done.stderr).not.toContain("error:");
    expect(done.exitCode).toBe(0);
    await sleep(1000);
    await load.stop();
    expect(await readFile(world.configPath, "utf8")).toContain(join(world.folder, "new"));
    expect(load.acknowledged.length).toBeGreaterThan(0);
    expect(await missing(world, load.acknowledged)).toEqual([]);
    expect(await world.duties()).toEqual([]);
    const verified = await world.run("verify");
    expect(verified.exitCode).toBe(0);
  });
});
