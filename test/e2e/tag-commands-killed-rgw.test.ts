import { writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { forEachConcurrently } from "../../src/lib/for-each-concurrently.ts";
import type { Digest } from "../../src/oci/digest.ts";
import { openDriver } from "../../src/storage/open-driver.ts";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { describeOnEachRgw } from "../support/ceph/shared-rgw.ts";
import { bucketOfTest } from "../support/ceph/test-bucket.ts";
import { findFreePort } from "../support/free-port.ts";
import { skopeoCopy } from "../support/image-clients.ts";
import { findProgram } from "../support/programs.ts";
import { pullAll } from "../support/pull-all.ts";
import { pullableTags } from "../support/pullable-tags.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** What is drawn; when what was drawn happens differs from run to run all the same. Other seeds by the variable. */
const SEED = seedFrom("REGISTRY_CTL_KILL_SEED", 45_316_008);
const IMAGES = 5;
const STAYING = 25;
const GOING = 200;
const KILLS = 3;
const BEFORE = "group/before";
const AFTER = "group/after";

describeOnEachRgw("commands on tags, killed in a bucket", (version) => {
  it(`leave every tag whole that nobody named for deletion, SEED=${SEED}`, { timeout: 300_000 }, async () => {
    const random = new SeededRandom(SEED);
    const bucket = await bucketOfTest(version);
    const storage = bucketStorage(bucket);
    const driver = await openDriver({ ...bucket.settings(), rootDirectory: "images" }, { readOnly: false });
    const folder = await temporaryFolder();
    const rootDirectory = join(folder, "registry");
    const configPath = await writeServeConfig({ rootDirectory, storage, port: await findFreePort() });
    const store = ["-c", configPath, "--state-dir", `${rootDirectory}.state`];
    const staying = await fill(new RegistryTree(driver));

    /** Kills a command again and again, and at last lets it come to its end. */
    const killOften = async (words: string[], isLeft: (key: string) => boolean): Promise<void> => {
      const list = async () => (await bucket.listKeys()).filter((key) => key.includes("/repositories/"));
      let [keys, partial] = [await list(), 0];
      for (let kill = 0; kill < KILLS && keys.some(isLeft); kill++) {
        // They go before the history does.
        const current = keys.filter((key) => isLeft(key) && key.endsWith("/current/link"));
        const watched = random
          .pick(current.length > 0 ? current : keys.filter(isLeft))
          .slice("images".length);
        const moved = watched.replace(BEFORE, AFTER);
        const isThere = (path: string) =>
          driver.stat(path).then(
            () => true,
            () => false,
          );
        const { child, result } = startRegistryCtl([...words, ...store]);
        while (child.exitCode === null && (await isThere(watched)) && !(kill === 0 && (await isThere(moved))))
          await sleep(2);
        child.kill("SIGKILL");
        const { exitCode, stderr } = await result;
        expect([undefined, 0], stderr).toContain(exitCode);
        const before = keys.length;
        keys = await list();
        if (exitCode === undefined && keys.some(isLeft) && keys.length !== before) partial++;
        const found = await Promise.all([BEFORE, AFTER].map((name) => pullableTags(driver, name)));
        expect(found.flatMap(({ broken }) => broken)).toEqual([]);
        const complete = found.filter(({ whole }) =>
          [...staying].every(([tag, digest]) => whole[tag] === digest),
        );
        expect(complete.length).toBeGreaterThan(0);
      }
      expect(partial, words.join(" ")).toBeGreaterThan(0);
      const last = await runRegistryCtl([...words, ...store]);
      // The one that was killed may have been at its end.
      if (!last.stderr.includes("there is no repository")) expect(last.exitCode, last.stderr).toBe(0);
      const left = (await list()).filter(isLeft);
      // Policies see nothing of tags of which nothing is left but history.
      expect(left.filter((key) => words[0] !== "cleanup" || key.endsWith("/current/link"))).toEqual([]);
    };

    const list = join(folder, "list");
    writeFileSync(list, Array.from({ length: GOING }, (_, number) => `first-${number}`).join("\n"));
    const policies = join(folder, "policies.yml");
    writeFileSync(policies, `policies: { '${BEFORE}': { name_regex_delete: 'second-.*' } }\n`);
    const isOf = (below: string) => (key: string) => key.includes(`/repositories/${BEFORE}/${below}`);
    await killOften(["tags", "delete", "--yes", "--from-file", list, BEFORE], isOf("_manifests/tags/first-"));
    await killOften(["cleanup", "run", "--policies", policies], isOf("_manifests/tags/second-"));
    await killOften(["move", "--yes", BEFORE, AFTER], isOf(""));

    const verified = await runRegistryCtl(["verify", ...store]);
    expect(verified.exitCode, verified.stdout).toBe(0);
    expect((await pullableTags(driver, AFTER)).whole).toEqual(Object.fromEntries(staying));
    const server = await startServe({ rootDirectory, storage, readOnly: true });
    try {
      const tags = new Map([[AFTER, staying]]);
      await pullAll(server.url, { rootDirectory, tags, referrers: new Map() });
      if (findProgram("skopeo") !== undefined)
        await skopeoCopy(`docker://${server.address}/${AFTER}:stays-1`, `dir:${join(folder, "pulled")}`);
    } finally {
      await server.stop();
    }
  });
});

/** @returns the tags that nobody names for deletion */
async function fill(tree: RegistryTree): Promise<Map<string, Digest>> {
  const repository = tree.repository(BEFORE);
  const images: Digest[] = [];
  for (let number = 0; number < IMAGES; number++)
    images.push((await repository.image(`${number}`, ["base", `layer ${number}`])).digest);
  const names = [
    ...Array.from({ length: STAYING }, (_, number) => `stays-${number}`),
    ...Array.from({ length: GOING }, (_, number) => `first-${number}`),
    ...Array.from({ length: GOING }, (_, number) => `second-${number}`),
  ];
  const tagged = names.map((name, number) => ({ name, digest: images[number % IMAGES] as Digest }));
  await forEachConcurrently(tagged, 16, ({ name, digest }) => repository.tag(name, digest));
  return new Map(tagged.slice(0, STAYING).map(({ name, digest }) => [name, digest]));
}
