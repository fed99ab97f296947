import { rm } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseDigest } from "../../src/oci/digest.ts";
import { blobDataPath, LOCKFILES_ROOT, layerLinkPath } from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { expectSound } from "../support/expect-sound.ts";
import { findFreePort } from "../support/free-port.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NAME = "group/app";
const NO_DIGEST = `sha256:${"0".repeat(64)}`;

/** A store that nobody serves, with two tagged images and one without a tag. */
async function stoppedWorld() {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const driver = new FilesystemDriver({ rootDirectory });
  const repository = new RegistryTree(driver).repository(NAME);
  const one = await repository.image("one", ["layer of one"], { tag: "v1" });
  const two = await repository.image("two", ["layer of two"], { tag: "v2" });
  const index = await repository.index([one, await repository.image("three", ["layer of three"])]);
  const configPath = await writeServeConfig({ rootDirectory, port: await findFreePort() });
  const args = (...more: string[]): string[] => [
    ...["-c", configPath, "--state-dir", `${rootDirectory}.state`],
    ...more,
  ];
  const run = (...more: string[]): Promise<ProgramResult> => runRegistryCtl(args(...more));
  const pointsTo = async (tag: string): Promise<string> =>
    Buffer.from(await driver.get(`${repositoryFolder}/_manifests/tags/${tag}/current/link`)).toString();
  const repositoryFolder = `/docker/registry/v2/repositories/${NAME}`;
  return { rootDirectory, driver, one, two, index, configPath, args, run, pointsTo };
}

describe("tags set in a store that nobody serves", () => {
  it("makes a new tag without a question, and tells the history", async () => {
    const { rootDirectory, index, run, pointsTo } = await stoppedWorld();
    const dry = await run("tags", "set", `${NAME}:v3`, index.digest, "--dry-run");
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(dry.stdout).toContain(`would point ${NAME}:v3 to ${index.digest} (it is new)`);
    await expect(pointsTo("v3")).rejects.toThrow();
    const set = await run("tags", "set", `${NAME}:v3`, index.digest);
    expect(set).toMatchObject({ exitCode: 0, stdout: `${NAME}:v3 points to ${index.digest} (it is new)` });
    expect(await pointsTo("v3")).toBe(index.digest);
    const again = await run("tags", "set", `${NAME}:v3`, index.digest, "--json");
    expect(JSON.parse(again.stdout)).toEqual({
      ...{ schemaVersion: 1, command: "tags set", dryRun: false, repository: NAME, tag: "v3" },
      ...{ before: index.digest, after: index.digest, mediaType: index.mediaType },
      ...{ changed: false, through: "store" },
    });
    const history = JSON.parse((await run("history", "--json", "--tag", "v3")).stdout);
    expect(history.entries).toContainEqual(
      expect.objectContaining({ source: "audit", action: "tag-set", tag: "v3", after: index.digest }),
    );
    await expectSound(rootDirectory);
  });

  it("asks before it overwrites one, and writes down before and after", async () => {
    const { rootDirectory, one, two, args, run, pointsTo } = await stoppedWorld();
    const words = ["tags", "set", `${NAME}:v1`, two.digest];
    const refused = await run(...words);
    expect(refused.exitCode).toBe(2);
    expect(refused.stderr).toContain("--yes");
    const asked = await runOnTerminal(args(...words), { answer: "n" });
    expect(asked.exitCode).toBe(130);
    expect(await pointsTo("v1")).toBe(one.digest);
    expect((await run(...words, "--yes")).stdout).toBe(
      `${NAME}:v1 points to ${two.digest} (was ${one.digest})`,
    );
    expect(await pointsTo("v1")).toBe(two.digest);
    const { entries } = JSON.parse((await run("history", "--json", "--tag", "v1")).stdout);
    const change = { tag: "v1", before: one.digest, after: two.digest, command: "tags set" };
    expect(entries).toContainEqual(expect.objectContaining({ action: "tag-overwrite", ...change }));
    expect(entries).toContainEqual(
      expect.objectContaining({ source: "command", outcome: "done", ...change }),
    );
    await expectSound(rootDirectory);
  });

  it("is refused, with what lacks, where the image could not be pulled", async () => {
    const { driver, index, run, pointsTo } = await stoppedWorld();
    const unknown = await run("tags", "set", `${NAME}:v3`, NO_DIGEST);
    expect(unknown).toMatchObject({ exitCode: 12, stdout: "" });
    expect(unknown.stderr).toContain(`has no manifest ${NO_DIGEST}`);
    const layer = (await new RegistryTree(driver).repository("other").layer("layer of three")).digest;
    await driver.delete(layerLinkPath(NAME, layer));
    for (const more of [[], ["--dry-run"]]) {
      const lacking = await run("tags", "set", `${NAME}:v3`, index.digest, ...more);
      expect(lacking.exitCode).toBe(12);
      expect(lacking.stderr).toContain(layer);
    }
    await expect(pointsTo("v3")).rejects.toThrow();
    await driver.delete(blobDataPath(parseDigest(index.digest)));
    expect((await run("tags", "set", `${NAME}:v3`, index.digest)).exitCode).toBe(12);
  });

  it.each([
    ["no tag", "group/app", NO_DIGEST],
    ["a digest in its place", `group/app@${NO_DIGEST}`, NO_DIGEST],
    ["no digest", "group/app:v1", "v2"],
    ["an impossible name", "../app:v1", NO_DIGEST],
  ])("takes no %s", async (_, reference, digest) => {
    const { run } = await stoppedWorld();
    expect((await run("tags", "set", reference, digest)).exitCode).toBe(2);
  });

  it("waits for nobody who holds the store, and changes nothing on a read-only one", async () => {
    const { driver, two, run, pointsTo, one } = await stoppedWorld();
    const record = {
      ...{ token: "t", host: "elsewhere", bootId: "b", pidNamespace: "n", pid: 1 },
      startedAt: new Date().toISOString(),
      leaseUntil: new Date(Date.now() + 600_000).toISOString(),
    };
    await driver.put(`${LOCKFILES_ROOT}/registry-ctl.lock`, Buffer.from(JSON.stringify(record)));
    const words = ["tags", "set", `${NAME}:v1`, two.digest, "--yes"];
    const locked = await run(...words);
    expect(locked.exitCode).toBe(12);
    expect(locked.stderr).toContain("elsewhere");
    await driver.delete(`${LOCKFILES_ROOT}/registry-ctl.lock`);
    expect((await run("--read-only-store", ...words)).exitCode).not.toBe(0);
    expect(await pointsTo("v1")).toBe(one.digest);
  });

  it("leaves a sound store wherever it is killed", async () => {
    const { rootDirectory, one, two, index, args, run } = await stoppedWorld();
    const digests = [one.digest, two.digest, index.digest];
    const startMs = performance.now();
    expect((await run("tags", "set", `${NAME}:v1`, two.digest, "--yes")).exitCode).toBe(0);
    const wholeMs = performance.now() - startMs;
    for (let moment = 0; moment < 10; moment++) {
      const digest = digests[moment % digests.length] ?? "";
      const { child, result } = startRegistryCtl(args("tags", "set", `${NAME}:v1`, digest, "--yes"));
      // The end of a run, where it writes, is hit more often than its start.
      await sleep(wholeMs * (1 - 0.6 * Math.random() ** 2));
      child.kill("SIGKILL");
      await result;
      await expectSound(rootDirectory);
    }
    const last = await run("tags", "set", `${NAME}:v1`, one.digest, "--yes");
    expect(last.exitCode, last.stderr).toBe(0);
    const verified = await run("verify");
    expect(verified.exitCode, verified.stdout).toBe(0);
  });
});

describe("tags set beside our running server", () => {
  it("goes through the server, and what it has set can be pulled after a collection that was under way", async () => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const server = await startServe({ rootDirectory, moreConfig: "gc: {reviewafter: -1}\n" });
    const client = new RegistryHttp(server.url);
    onTestFinished(async () => {
      client.close();
      await server.stop();
    });
    const images: PushedImage[] = [];
    for (let number = 0; number < 6; number++)
      images.push(await client.pushImage(NAME, "latest", [Buffer.from(`layer ${number}`)]));
    const state = ["--state-dir", `${rootDirectory}.state`];
    const collect = ["garbage-collect", "-m", "--grace", "0", ...state, server.configPath];
    const collecting = startRegistryCtl([...collect, "--max-ops", "5"]);
    const set = async (image: PushedImage, tag: string): Promise<ProgramResult> =>
      runRegistryCtl([
        "-c",
        server.configPath,
        ...state,
        "tags",
        "set",
        `${NAME}:${tag}`,
        image.manifestDigest,
        "--json",
      ]);
    const outcomes = await Promise.all(images.map((image, number) => set(image, `back${number}`)));
    const collected = await collecting.result;
    expect(collected.exitCode, collected.stderr).toBe(0);
    const again = await runRegistryCtl(collect);
    expect(again.exitCode, again.stderr).toBe(0);
    for (const [number, { exitCode, stdout, stderr }] of outcomes.entries()) {
      const image = images[number];
      if (image === undefined) throw new Error("there is an outcome for each image");
      const answer = await client.send("HEAD", `/v2/${NAME}/manifests/back${number}`);
      expect([0, 12], stderr).toContain(exitCode);
      expect(answer.status, stderr).toBe(exitCode === 0 ? 200 : 404);
      if (exitCode !== 0) continue;
      expect(JSON.parse(stdout)).toMatchObject({ through: "server", changed: true });
      await client.expectComplete({ ...image, tag: `back${number}` });
    }
    // The one that has been tagged all the time, at least.
    expect(outcomes.at(-1)?.exitCode, outcomes.at(-1)?.stderr).toBe(0);
    const history = await runRegistryCtl([
      "history",
      "--json",
      "--tag",
      "back5",
      ...state,
      server.configPath,
    ]);
    expect(JSON.parse(history.stdout).entries).toContainEqual(
      expect.objectContaining({ source: "audit", action: "tag-set", command: "tags set" }),
    );
    await expectSound(rootDirectory);
  });

  it("overwrites only what was seen, is refused while the server is read-only, and where anything lacks", async () => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const server = await startServe({ rootDirectory });
    const client = new RegistryHttp(server.url);
    onTestFinished(async () => {
      client.close();
      await server.stop();
    });
    const one = await client.pushImage(NAME, "v1", [Buffer.from("one")]);
    const two = await client.pushImage(NAME, "v2", [Buffer.from("two")]);
    const base = ["-c", server.configPath, "--state-dir", `${rootDirectory}.state`];
    const set = (...more: string[]): Promise<ProgramResult> =>
      runRegistryCtl([...base, "tags", "set", ...more]);
    expect((await set(`${NAME}:v1`, two.manifestDigest)).exitCode).toBe(2);
    expect((await set(`${NAME}:v1`, NO_DIGEST, "--yes")).exitCode).toBe(12);
    const readOnlyStore = await set("--read-only-store", `${NAME}:v1`, two.manifestDigest, "--yes");
    expect(readOnlyStore).toMatchObject({ exitCode: 2, stdout: "" });
    const untouched = await client.send("HEAD", `/v2/${NAME}/manifests/v1`);
    expect(untouched.headers["docker-content-digest"]).toBe(one.manifestDigest);
    const readonly = ["--state-dir", `${rootDirectory}.state`, server.configPath];
    expect((await runRegistryCtl(["readonly", "on", ...readonly])).exitCode).toBe(0);
    const refused = await set(`${NAME}:v1`, two.manifestDigest, "--yes");
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain("read-only");
    expect((await runRegistryCtl(["readonly", "off", ...readonly])).exitCode).toBe(0);
    const done = await set(`${NAME}:v1`, two.manifestDigest, "--yes");
    expect(done.exitCode, done.stderr).toBe(0);
    const answer = await client.send("HEAD", `/v2/${NAME}/manifests/v1`);
    expect(answer.headers["docker-content-digest"]).toBe(two.manifestDigest);
    const [lost = ""] = one.blobDigests;
    await rm(join(rootDirectory, layerLinkPath(NAME, parseDigest(lost))));
    const lacking = await set(`${NAME}:v1`, one.manifestDigest, "--yes");
    expect(lacking.exitCode).toBe(12);
    expect(lacking.stderr).toContain(lost);
  });
});

it("has help with examples and exit codes", async () => {
  const { stdout } = await runRegistryCtl(["tags", "set", "--help"]);
  expect(stdout).toContain("Exit codes:");
  expect(stdout).toContain("--dry-run");
});
