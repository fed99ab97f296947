import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, it } from "vitest";
import { tagCurrentLinkPath, tagPath } from "../../src/registry/paths.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { TagTree } from "../support/tag-tree.ts";

const NAME = "group/app";
const SEED = seedFrom("REGISTRY_CTL_KILL_SEED");
const KILLS = 20;
const GOING = 400;
const STAYING = 20;

it(`tags delete killed at random moments leaves a sound store, and the next run finishes, SEED=${SEED}`, {
  timeout: 300_000,
}, async () => {
  const random = new SeededRandom(SEED);
  const folder = await folderInMemory();
  const tree = new TagTree(join(folder, "store"), NAME);
  const config = tree.config();
  const env = { REGISTRY_CTL_STATE_DIR: join(folder, "state") };
  const images = Array.from({ length: 5 }, (_, number) => tree.image(`image ${number}`));
  const digestOfTag = (number: number) => images[number % images.length] ?? fail();
  const staying = Array.from({ length: STAYING }, (_, number) => `stays-${number}`);
  for (const [number, name] of staying.entries()) tree.tag(name, digestOfTag(number));
  const going = Array.from({ length: GOING }, (_, number) => `goes-${number}`);
  const list = join(folder, "list");
  writeFileSync(list, going.join("\n"));
  const args = ["tags", "delete", "-q", "-c", config, "--yes", "--from-file", list, NAME];
  let halfDone = 0;

  for (let kill = 0; kill < KILLS; kill++) {
    for (const [number, name] of going.entries()) tree.tag(name, digestOfTag(number));
    const watched = going[random.below(GOING)] ?? fail();
    // The link goes in the first half of the work, the folder in the second.
    const path = tree.at(random.below(2) === 0 ? tagCurrentLinkPath(NAME, watched) : tagPath(NAME, watched));
    const { child, result } = startRegistryCtl(args, { env });
    while (existsSync(path) && child.exitCode === null) await setImmediate();
    child.kill("SIGKILL");
    await result;

    await expectSound(tree.rootDirectory);
    for (const [number, name] of staying.entries())
      expect(tree.read(tagCurrentLinkPath(NAME, name))).toBe(digestOfTag(number));
    const left = going.filter((name) => existsSync(tree.at(tagPath(NAME, name))));
    if (left.length > 0 && left.length < GOING) halfDone++;
    else if (left.some((name) => !existsSync(tree.at(tagCurrentLinkPath(NAME, name))))) halfDone++;
    if (kill % 2 === 0) {
      const again = await runRegistryCtl(args, { env });
      expect(again.exitCode, again.stderr).toBe(0);
      for (const name of going) expect(existsSync(tree.at(tagPath(NAME, name)))).toBe(false);
      const known = deletedOf(folder);
      for (const [number, name] of going.entries()) expect(known.get(name)).toBe(digestOfTag(number));
    }
    rmSync(join(folder, "state"), { recursive: true, force: true });
  }

  await expectSound(tree.rootDirectory);
  expect(halfDone).toBeGreaterThan(KILLS / 4);
});

/** What the audit says that tags have pointed to. */
function deletedOf(folder: string): Map<string, string> {
  const state = join(folder, "state");
  const known = new Map<string, string>();
  for (const path of auditsBelow(state)) {
    for (const line of readFileSync(path, "utf8").trim().split("\n")) {
      const { action, tag, before } = JSON.parse(line);
      if (action === "tag-delete") known.set(tag, before);
    }
  }
  return known;
}

function auditsBelow(state: string): string[] {
  return readdirSync(state)
    .map((name) => join(state, name, "audit", "audit.jsonl"))
    .filter((path) => existsSync(path));
}

function fail(): never {
  throw new Error("there is no such tag or image");
}
