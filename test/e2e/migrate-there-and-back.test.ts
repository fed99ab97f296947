import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { pushImage } from "../support/push-image.ts";

vi.setConfig({ testTimeout: 300_000 });

const ACCEPT = "application/vnd.oci.image.manifest.v1+json";

async function digestOfTag({ url }: MigrationWorld, tag: string): Promise<string | null> {
  const answer = await fetch(`${url}/v2/team/moving/manifests/${tag}`, { headers: { accept: ACCEPT } });
  await answer.body?.cancel();
  return answer.status === 200 ? answer.headers.get("docker-content-digest") : null;
}

async function removeTag({ url }: MigrationWorld, tag: string): Promise<void> {
  const answer = await fetch(`${url}/v2/team/moving/manifests/${tag}`, { method: "DELETE" });
  expect(answer.status).toBe(202);
}

describe("a registry that is moved there and back again and again", () => {
  it("keeps every tag that was pushed, moved or removed in between", async () => {
    const world = await makeMigrationWorld(4);
    await world.start();
    const there = ["migrate", "--to", "filesystem", "--rootdirectory", join(world.folder, "new")];
    const expected = new Map<string, string | null>();
    const work = async (leg: number): Promise<void> => {
      for (const tag of ["latest", `leg${leg}`, `gone${leg}`]) {
        const { digest } = await pushImage(world.url, "team/moving", `${tag} of leg ${leg}`, tag);
        expected.set(tag, digest);
      }
      // A tag that goes back to what it was two legs ago, and one that is removed and comes again.
      const { digest } = await pushImage(world.url, "team/moving", `turn ${leg % 2}`, "turn");
      expected.set("turn", digest);
      if (leg > 0) {
        await removeTag(world, `gone${leg - 1}`);
        expected.set(`gone${leg - 1}`, null);
      }
    };
    const check = async (): Promise<void> => {
      const found = new Map<string, string | null>();
      for (const tag of expected.keys()) found.set(tag, await digestOfTag(world, tag));
      expect(found).toEqual(expected);
    };
    for (let leg = 0; leg < 4; leg++) {
      await work(leg);
      const words = leg % 2 === 0 ? [...there, "--cutover"] : ["migrate", "rollback"];
      const { exitCode, stderr } = await world.run(...words, "--yes");
      expect(exitCode, stderr).toBe(0);
      await check();
    }
    await work(4);
    await check();
    expect((await world.run("verify")).exitCode).toBe(0);
  });
});
