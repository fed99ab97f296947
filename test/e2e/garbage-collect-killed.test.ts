import { spawn } from "node:child_process";
import { once } from "node:events";
import { type Dirent, readdirSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { expect, it } from "vitest";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, startServe } from "../support/serve-process.ts";
import type { ServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORIES = ["app", "team/app", "team/tools/one"];
const IMAGES_EACH = 25;
/** The program is killed when so many of the files that go have gone; the last kill comes among the blobs. */
const KILL_AT = [1, 150, 330];

describeWithPrograms(["docker-registry"], "garbage-collect killed on what the Go registry wrote", () => {
  it("loses nothing that can be pulled from either registry, and the last run finishes", async () => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const server = await startGoRegistry({ rootDirectory });
    const current = await pushAll(server);
    await server.stop();
    const state = ["--state-dir", `${rootDirectory}.state`];
    const args = [
      "garbage-collect",
      "-m",
      "--grace",
      "0s",
      "--json",
      ...state,
      `${rootDirectory}.config.yml`,
    ];
    const dryRun = await runRegistryCtl([...args, "--dry-run"]);
    const { blobs, manifests, layerLinks, tagHistoryLinks } = JSON.parse(dryRun.stdout).eligible;
    const total = countFiles(rootDirectory);
    const going = blobs + manifests + layerLinks + tagHistoryLinks;
    expect(going).toBeGreaterThan(Math.max(...KILL_AT));

    for (const gone of KILL_AT) {
      await killAt(args, () => countFiles(rootDirectory) <= total - gone);
      await expectAll(await startServe({ rootDirectory, readOnly: true, workers: 1 }), current);
    }
    const last = await runRegistryCtl(args);
    expect(last.exitCode, last.stderr).toBe(0);
    expect(countFiles(rootDirectory)).toBe(total - going);
    await expectAll(await startGoRegistry({ rootDirectory, readOnly: true }), current);
    const again = await runRegistryCtl(args);
    expect(JSON.parse(again.stdout).eligible).toMatchObject({ blobs: 0, manifests: 0, layerLinks: 0 });
  });
});

/** Moves one tag of each repository from image to image, and keeps some other tags. @returns what has a tag in the end */
async function pushAll(server: ServerProcess): Promise<PushedImage[]> {
  const client = new RegistryHttp(server.url);
  const tagged = new Map<string, PushedImage>();
  for (const repository of REPOSITORIES) {
    for (let number = 0; number < IMAGES_EACH; number++) {
      const tag = number % 10 === 0 ? `v${number}` : "latest";
      const image = await client.pushImage(repository, tag, [Buffer.from(`${repository} ${number}`)]);
      tagged.set(`${repository}:${tag}`, image);
    }
  }
  client.close();
  return [...tagged.values()];
}

async function expectAll(server: ServerProcess, images: readonly PushedImage[]): Promise<void> {
  const client = new RegistryHttp(server.url);
  try {
    for (const image of images) await client.expectComplete(image);
  } finally {
    client.close();
    await server.stop();
  }
}

async function killAt(args: readonly string[], isTime: () => boolean): Promise<void> {
  const child = spawn(process.execPath, [REGISTRY_CTL_PATH, ...args], {
    env: cleanEnvironment(),
    stdio: "ignore",
  });
  const ended = once(child, "exit");
  while (child.exitCode === null && !isTime()) await sleep(1);
  child.kill("SIGKILL");
  await ended;
}

/** Files of the registry, while others remove some of them; locks and what is beside it are none. */
function countFiles(rootDirectory: string): number {
  return countBelow(join(rootDirectory, "docker/registry/v2"));
}

function countBelow(folder: string): number {
  let count = 0;
  for (const entry of entriesOf(folder)) {
    count += entry.isDirectory() ? countBelow(join(folder, entry.name)) : 1;
  }
  return count;
}

function entriesOf(folder: string): Dirent[] {
  try {
    return readdirSync(folder, { withFileTypes: true });
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "ENOENT") return [];
    throw error;
  }
}
