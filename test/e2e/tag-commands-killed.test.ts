import { existsSync, readdirSync } from "node:fs";
import { join } from "node:path";
import { setImmediate, setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { Deletions, type FailedDeletion } from "../../src/state/deletions.ts";
import { makeStateFolder } from "../../src/state/state-folder.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { findFreePort } from "../support/free-port.ts";
import { skopeoCopy } from "../support/image-clients.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { pullAll } from "../support/pull-all.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startRunning } from "../support/running-server.ts";
import { SeededRandom, seedFrom } from "../support/seeded-random.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import type { CommandEnd, TagCommand } from "../support/tag-command.ts";
import { TagCommands } from "../support/tag-commands.ts";
import { TagCommandsWorld } from "../support/tag-commands-world.ts";

/** What is drawn; when what was drawn happens differs from run to run all the same. Other seeds by the variable. */
const SEED = seedFrom("REGISTRY_CTL_KILL_SEED", 45_316_008);
const ROUNDS = 15;
/** So many commands at least are to be killed in the middle of what they change; a busy machine needs more rounds for it. */
const IN_THE_MIDDLE = 4;
const MOST_ROUNDS = 3 * ROUNDS;
const PULLED_BY_SKOPEO = 4;
/** Each is often enough in a round for some of them to be killed in the middle. */
const KINDS: readonly TagCommand["kind"][] = [
  ...["delete", "delete", "cleanup", "retry", "set", "set", "restore"],
  ...["move", "move", "move", "collect", "collect"],
] as TagCommand["kind"][];

describeWithPrograms(["skopeo"], "commands on tags, killed at random moments in a random order", () => {
  it(`leave every tag whole that nobody named for deletion, SEED=${SEED}`, { timeout: 600_000 }, async () => {
    const { world, random, folder } = await makeWorld();
    const configPath = await writeServeConfig({
      rootDirectory: world.rootDirectory,
      port: await findFreePort(),
    });
    await interleave(world, random, { folder, configPath });
    const server = await startServe({ rootDirectory: world.rootDirectory, readOnly: true });
    await expectAllPull(world, random, server.address, folder).finally(() => server.stop());
  });

  it(`do so beside a running server, SEED=${SEED}`, { timeout: 600_000 }, async () => {
    const { world, random, folder } = await makeWorld();
    const moreConfig = "gc: {reviewafter: -1}\n";
    const server = await startRunning({ rootDirectory: world.rootDirectory, moreConfig });
    await interleave(world, random, { folder, configPath: server.configPath });
    await expectAllPull(world, random, server.address, folder);
    await server.stop();
  });
});

async function makeWorld(): Promise<{ world: TagCommandsWorld; random: SeededRandom; folder: string }> {
  const folder = await folderInMemory();
  return { world: new TagCommandsWorld(join(folder, "store")), random: new SeededRandom(SEED), folder };
}

/** Runs and kills commands, and brings in the end to its end what was begun. */
async function interleave(
  world: TagCommandsWorld,
  random: SeededRandom,
  { folder, configPath }: { folder: string; configPath: string },
): Promise<void> {
  const { rootDirectory, model } = world;
  const store = ["-c", configPath, "--state-dir", `${rootDirectory}.state`];
  const onFailed = (failed: FailedDeletion[]) => recordFailed(`${rootDirectory}.state`, failed);
  const commands = new TagCommands(world, random, { folder, onFailed });
  const log: string[] = [];
  const partial = new Set<string>();
  let killed = 0;
  const isEnough = (round: number): boolean =>
    round === MOST_ROUNDS || (round >= ROUNDS && partial.size >= IN_THE_MIDDLE);
  for (let round = 0; !isEnough(round); round++) {
    const drawn = await commands.drawRound([random.pick(KINDS), random.pick(KINDS), random.pick(KINDS)]);
    const deaths = drawn.map(() => drawDeath(random));
    const ends = await Promise.all(drawn.map((command, index) => run(command, store, deaths[index])));
    for (const [index, command] of drawn.entries()) {
      const { exitCode, stderr } = ends[index] ?? { exitCode: undefined, stderr: "" };
      log.push(`${round}: ${command.words.join(" ")}: ${exitCode ?? "killed"}`);
      if (exitCode === undefined) killed++;
      if (exitCode === undefined && command.progress.isPartial()) partial.add(`${round} ${command.kind}`);
      await told(log, stderr, () => command.settle({ exitCode, stderr }));
    }
    if (drawn.some(({ kind }) => kind === "collect")) await untilNothingIsCollected(store);
    await told(log, "", () => model.expectHolds());
    await told(log, "", () => expectSound(rootDirectory));
    if (round % 3 === 2) world.refill();
  }
  for (let left = commands.drawEnd(); left.length > 0; left = commands.drawEnd()) {
    for (const command of left) {
      const end = await run(command, store, undefined);
      log.push(`end: ${command.words.join(" ")}: ${end.exitCode}`);
      await told(log, end.stderr, () => {
        command.settle(end);
        expect(world.lanes.filter(({ unfinished }) => unfinished?.words === command.words)).toEqual([]);
      });
    }
  }
  const collected = await runRegistryCtl(["garbage-collect", "-m", "--grace", "0s", "--yes", ...store]);
  expect(collected.exitCode, collected.stderr).toBe(0);
  const verified = await runRegistryCtl(["verify", ...store]);
  expect(verified.exitCode, verified.stdout).toBe(0);
  await told(log, "", () => model.expectHolds());
  expect(killed).toBeGreaterThan(ROUNDS / 2);
  expect(partial.size).toBeGreaterThanOrEqual(IN_THE_MIDDLE);
}

/** When a command is killed: when it has begun to change something, or at any time. */
interface Death {
  isBegun: boolean;
  afterMs: number;
}

function drawDeath(random: SeededRandom): Death | undefined {
  const isBegun = random.chance(0.8);
  const afterMs = isBegun ? random.below(2) * random.below(40) : random.below(1500);
  return random.chance(0.75) ? { isBegun, afterMs } : undefined;
}

/** @param death - undefined: it is not killed */
async function run(
  command: TagCommand,
  store: readonly string[],
  death: Death | undefined,
): Promise<CommandEnd> {
  const { child, result } = startRegistryCtl([...command.words, ...store]);
  if (death !== undefined) {
    while (death.isBegun && child.exitCode === null && !command.progress.isTime()) {
      await sleep(1);
      // Where several look at folders, which takes longer than that, timers alone would never let it be known that one has ended.
      await setImmediate();
    }
    if (death.afterMs > 0) await sleep(death.afterMs);
    child.kill("SIGKILL");
  }
  const { exitCode, stderr } = await result;
  return { exitCode, stderr };
}

/** Says with what went wrong what was done until then. */
async function told(log: readonly string[], stderr: string, look: () => void | Promise<void>): Promise<void> {
  try {
    await look();
  } catch (error) {
    throw new Error(`SEED=${SEED}\n${String(error)}\n${log.join("\n")}\n${stderr}`, { cause: error });
  }
}

/** A server goes on with a collection for a moment when whoever asked for it is dead. */
async function untilNothingIsCollected(store: readonly string[]): Promise<void> {
  await expect
    .poll(
      async () =>
        JSON.parse((await runRegistryCtl(["garbage-collect", "status", "--json", ...store])).stdout).run,
      { timeout: 30_000 },
    )
    .toBeUndefined();
}

async function recordFailed(stateDirectory: string, failed: FailedDeletion[]): Promise<void> {
  if (!existsSync(stateDirectory)) return;
  const name = readdirSync(stateDirectory).find((each) => /^[0-9a-f]{16}$/.test(each));
  if (name === undefined) return;
  const folder = join(stateDirectory, name);
  makeStateFolder(folder, process.getuid?.() ?? 0, undefined);
  await new Deletions({ folder, onProblem: (problem) => expect.fail(problem) }).recordFailed(failed);
}

/** All by hand, and a few with a real client. */
async function expectAllPull(
  world: TagCommandsWorld,
  random: SeededRandom,
  address: string,
  folder: string,
): Promise<void> {
  const tags = world.model.pullable();
  await pullAll(`http://${address}`, { rootDirectory: world.rootDirectory, tags, referrers: new Map() });
  const names = [...tags].flatMap(([name, each]) => [...each.keys()].map((tag) => `${name}:${tag}`));
  for (let sample = 0; sample < PULLED_BY_SKOPEO; sample++)
    await skopeoCopy(`docker://${address}/${random.pick(names)}`, `dir:${join(folder, `pulled-${sample}`)}`);
}
