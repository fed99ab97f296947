import { utimes } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { parseDigest } from "../../src/oci/digest.ts";
import { revisionLinkPath, tagHistoryLinkPath } from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { expectSound } from "../support/expect-sound.ts";
import { findFreePort } from "../support/free-port.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { type Pushed, RegistryTree } from "../support/registry-tree.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type ServeProcess, startServe, writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const NAME = "group/app";
const TAG = `${NAME}:v1`;

/** Runs the program on a store. */
function runnerOf(configPath: string, rootDirectory: string) {
  const args = (...words: string[]): string[] => [
    ...words,
    ...["-c", configPath, "--state-dir", `${rootDirectory}.state`],
  ];
  const run = (...words: string[]): Promise<ProgramResult> => runRegistryCtl(args(...words));
  const restore = async (...more: string[]): Promise<Record<string, unknown>> => {
    const { stdout, stderr, exitCode } = await run("tags", "restore", TAG, "--yes", "--json", ...more);
    expect(exitCode, stderr).toBe(0);
    return JSON.parse(stdout);
  };
  return { args, run, restore };
}

/** A store that nobody serves, in which v1 was set to three images, an hour after one another. */
async function stoppedWorld() {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const driver = new FilesystemDriver({ rootDirectory });
  const repository = new RegistryTree(driver).repository(NAME);
  const images: Pushed[] = [];
  for (const [hour, name] of ["one", "two", "three"].entries()) {
    const image = await repository.image(name, [`layer of ${name}`], { tag: "v1" });
    images.push(image);
    const time = new Date(Date.UTC(2026, 0, 1, 10 + hour));
    await utimes(join(rootDirectory, tagHistoryLinkPath(NAME, "v1", image.digest)), time, time);
  }
  const [one, two, three] = images;
  if (!one || !two || !three) throw new Error("three images were made");
  const configPath = await writeServeConfig({ rootDirectory, port: await findFreePort() });
  return { rootDirectory, driver, one, two, three, ...runnerOf(configPath, rootDirectory) };
}

/** A server that writes its audit, and how to speak to it. */
async function servedWorld() {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const start = async (port?: number): Promise<{ server: ServeProcess; client: RegistryHttp }> => {
    const server = await startServe({
      rootDirectory,
      moreConfig: "gc: {reviewafter: -1}\n",
      ...(port === undefined ? {} : { port }),
    });
    const client = new RegistryHttp(server.url);
    onTestFinished(async () => {
      client.close();
      await server.stop();
    });
    return { server, client };
  };
  const { server, client } = await start();
  const push = async (content: string): Promise<string> =>
    (await client.pushImage(NAME, "v1", [Buffer.from(content)])).manifestDigest;
  const pulled = async (): Promise<unknown> => {
    const { status, headers } = await client.send("HEAD", `/v2/${NAME}/manifests/v1`);
    return status === 200 ? headers["docker-content-digest"] : status;
  };
  return { rootDirectory, server, client, push, pulled, ...runnerOf(server.configPath, rootDirectory) };
}

describe("tags restore in a store that nobody serves", () => {
  it("puts back what the links of its history tell: the last, the one at a time, the one that is named", async () => {
    const { rootDirectory, one, two, three, run, restore } = await stoppedWorld();
    const dry = await run("tags", "restore", TAG, "--dry-run");
    expect(dry.exitCode, dry.stderr).toBe(0);
    expect(dry.stdout).toContain(`would point ${TAG} to ${two.digest} (was ${three.digest})`);
    expect(dry.stdout).toContain("since 2026-01-01T11:00:00.000Z, by its history links");
    expect((await run("tags", "restore", TAG)).exitCode).toBe(2);
    expect(await restore("--at", "2026-01-01T10:30")).toMatchObject({
      ...{ command: "tags restore", before: three.digest, after: one.digest, through: "store" },
    });
    // The last change is the one of this command, which was written down.
    expect(await restore()).toMatchObject({ before: one.digest, after: three.digest });
    expect(await restore("--to", two.digest)).toMatchObject({ before: three.digest, after: two.digest });
    await expectSound(rootDirectory);
  });

  it("changes nothing where it is not clear, and lists what there is", async () => {
    const { rootDirectory, one, two, three, run } = await stoppedWorld();
    const early = await run("tags", "restore", TAG, "--yes", "--at", "2025-01-01");
    expect(early.exitCode).toBe(12);
    expect(early.stderr).toContain("nothing is known of what it pointed to at 2025-01-01");
    for (const { digest } of [one, two, three]) expect(early.stderr).toContain(digest);
    const time = new Date(Date.UTC(2026, 0, 2));
    for (const { digest } of [one, two, three])
      await utimes(join(rootDirectory, tagHistoryLinkPath(NAME, "v1", digest)), time, time);
    const copied = await run("tags", "restore", TAG, "--yes");
    expect(copied.exitCode).toBe(12);
    expect(copied.stderr).toContain("it is not clear");
    expect(copied.stderr).toContain("--to");
    const unknown = await run("tags", "restore", `${NAME}:v7`);
    expect(unknown.exitCode).toBe(12);
    expect(unknown.stderr).toContain("nothing is known");
  });

  it("says that the manifest is collected, with what else there is", async () => {
    const { driver, one, two, run } = await stoppedWorld();
    await driver.delete(revisionLinkPath(NAME, parseDigest(two.digest)));
    const { exitCode, stderr } = await run("tags", "restore", TAG, "--yes");
    expect(exitCode).toBe(12);
    expect(stderr).toContain(`no manifest ${two.digest}`);
    expect(stderr).toContain("collected");
    expect(stderr).toContain(one.digest);
  });

  it("brings back what tags delete has deleted", async () => {
    const { rootDirectory, three, run, restore } = await stoppedWorld();
    const deleted = await run("tags", "delete", NAME, "v1", "--yes");
    expect(deleted.exitCode, deleted.stderr).toBe(0);
    const report = await restore();
    expect(report).toMatchObject({ after: three.digest, changed: true });
    expect(report).not.toHaveProperty("before");
    expect(report["why"]).toContain("by the audit");
    await expectSound(rootDirectory);
  });

  it("leaves a sound store wherever it is killed", async () => {
    const { rootDirectory, one, two, args, run, restore } = await stoppedWorld();
    const startMs = performance.now();
    await restore("--to", one.digest);
    const wholeMs = performance.now() - startMs;
    for (let moment = 0; moment < 10; moment++) {
      const { digest } = moment % 2 === 0 ? two : one;
      const words = ["tags", "restore", TAG, "--to", digest, "--yes"];
      const { child, result } = startRegistryCtl(args(...words));
      // The end of a run, where it writes, is hit more often than its start.
      await sleep(wholeMs * (1 - 0.6 * Math.random() ** 2));
      child.kill("SIGKILL");
      await result;
      await expectSound(rootDirectory);
    }
    await restore("--to", two.digest);
    expect((await run("verify")).exitCode).toBe(0);
  });
});

describe("tags restore beside our running server", () => {
  it("brings back what clients overwrote and deleted over HTTP, as what was written down tells", async () => {
    const { rootDirectory, server, client, push, pulled, run, restore } = await servedWorld();
    const one = await push("one");
    const two = await push("two");
    expect(await restore()).toMatchObject({ before: two, after: one, through: "server" });
    expect(await pulled()).toBe(one);
    const three = await push("three");
    expect((await client.send("DELETE", `/v2/${NAME}/manifests/v1`)).status).toBe(202);
    expect(await pulled()).toBe(404);
    expect(await restore()).toMatchObject({ after: three, through: "server" });
    expect(await pulled()).toBe(three);
    expect((await client.send("DELETE", `/v2/${NAME}/manifests/v1`)).status).toBe(202);
    const deletedAt = new Date().toISOString();
    expect(await restore("--to", one)).toMatchObject({ after: one });
    const gone = await run("tags", "restore", TAG, "--at", deletedAt, "--dry-run");
    expect(gone.exitCode).toBe(12);
    expect(gone.stderr).toContain("it was not there");
    // Without the server the same is known.
    await server.stop();
    expect(await restore()).toMatchObject({ before: one, after: three, through: "store" });
    await expectSound(rootDirectory);
  });

  it("says what a collection has taken, and brings back what it has not", async () => {
    const { rootDirectory, push, pulled, run, restore } = await servedWorld();
    const one = await push("one");
    const two = await push("two");
    const collect = ["garbage-collect", "-m", "--grace", "0"];
    const collected = await run(...collect);
    expect(collected.exitCode, collected.stderr).toBe(0);
    const refused = await run("tags", "restore", TAG, "--yes");
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain(`no manifest ${one}`);
    expect(refused.stderr).toContain("collected");
    expect(await pulled()).toBe(two);
    const three = await push("three");
    await restore();
    const again = await run(...collect);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(await pulled()).toBe(two);
    expect((await run("tags", "restore", TAG, "--to", three, "--yes")).exitCode).toBe(12);
    await expectSound(rootDirectory);
  });
});

describeWithPrograms(["docker-registry"], "tags restore beside the Go registry", () => {
  it("restores what was overwritten, and the registry gives it out at once", async () => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const server = await startGoRegistry({ rootDirectory });
    const client = new RegistryHttp(server.url);
    onTestFinished(async () => {
      client.close();
      await server.stop();
    });
    const one = await client.pushImage(NAME, "v1", [Buffer.from("one")]);
    await client.pushImage(NAME, "v1", [Buffer.from("two")]);
    const { restore } = runnerOf(`${rootDirectory}.config.yml`, rootDirectory);
    expect(await restore()).toMatchObject({ after: one.manifestDigest, through: "store" });
    await client.expectComplete(one);
    await expectSound(rootDirectory);
  });
});

it("has help with examples and exit codes", async () => {
  const { stdout } = await runRegistryCtl(["tags", "restore", "--help"]);
  for (const text of ["Examples:", "Exit codes:", "--at", "--to", "--dry-run"])
    expect(stdout).toContain(text);
});
