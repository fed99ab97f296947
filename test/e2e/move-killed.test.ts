import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { expectSound } from "../support/expect-sound.ts";
import { findFreePort } from "../support/free-port.ts";
import { type PullableTags, pullableTags } from "../support/pullable-tags.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { SeededRandom } from "../support/seeded-random.ts";
import { writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const KILLS = 10;
const REPOSITORIES = ["", "/one", "/one/two", "/three"];
const IMAGES_EACH = 8;

it("has every tag whole under one of both names after each kill -9", { timeout: 300_000 }, async () => {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const driver = new FilesystemDriver({ rootDirectory });
  const tree = new RegistryTree(driver);
  for (const name of REPOSITORIES) {
    for (let number = 0; number < IMAGES_EACH; number++) {
      const layers = ["base", `layer ${name} ${number}`];
      await tree.repository(`a${name}`).image(`${name} ${number}`, layers, { tag: `t${number}` });
    }
    // So that folders cannot be moved as a whole.
    await tree.repository(`b${name}`).layer("base");
  }
  const configPath = await writeServeConfig({ rootDirectory, port: await findFreePort() });
  const tagsOf = async (project: string): Promise<PullableTags[]> =>
    Promise.all(REPOSITORIES.map((name) => pullableTags(driver, `${project}${name}`)));
  const before = (await tagsOf("a")).map(({ whole }) => whole);
  const random = new SeededRandom(7);
  let [from, to] = ["a", "b"];
  const words = (): string[] => [
    ...["-c", configPath, "--state-dir", `${rootDirectory}.state`, "move", "--yes", "--project"],
    ...["--merge", from, to],
  ];
  for (let kill = 0; kill < KILLS; kill++) {
    const run = startRegistryCtl(words());
    const files = await tree.files(`/docker/registry/v2/repositories/${to}`);
    // Not before it has begun; then sooner or later.
    let now = files.length;
    while (now === files.length && run.child.exitCode === null) {
      now = (await tree.files(`/docker/registry/v2/repositories/${to}`)).length;
    }
    await sleep(random.fraction() * 150);
    run.child.kill("SIGKILL");
    await run.result;
    const [old, moved] = [await tagsOf(from), await tagsOf(to)];
    for (const [index, whole] of before.entries()) {
      const found = [old[index]?.whole, moved[index]?.whole];
      expect(found).toContainEqual(whole);
      expect([...(old[index]?.broken ?? []), ...(moved[index]?.broken ?? [])]).toEqual([]);
    }
    await expectSound(rootDirectory);
    const finished = await runRegistryCtl(words());
    // The one that was killed may have been at its end.
    if (!finished.stderr.includes("there is no repository")) {
      expect(finished.exitCode, finished.stderr).toBe(0);
    }
    expect((await tagsOf(to)).map(({ whole }) => whole)).toEqual(before);
    expect((await tagsOf(from)).map(({ whole }) => whole)).toEqual(REPOSITORIES.map(() => ({})));
    [from, to] = [to, from];
  }
  await expectSound(rootDirectory);
});
