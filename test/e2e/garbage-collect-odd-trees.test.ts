import { execFileSync } from "node:child_process";
import { linkSync, mkdirSync, readFileSync, renameSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it, onTestFinished } from "vitest";
import { runCollector, startCollector } from "../support/collector-process.ts";
import { expectCollected, expectNothingLost, expectUntouched } from "../support/expect-collected.ts";
import { expectSound } from "../support/expect-sound.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { difference, type PreparedTree, prepareTree } from "../support/prepared-tree.ts";
import { seedFrom } from "../support/seeded-random.ts";
import { listStore } from "../support/store-files.ts";

const SEED = seedFrom("REGISTRY_CTL_FAULT_SEED");
const REPOSITORIES = "/docker/registry/v2/repositories";
const UNKNOWN_FILES = 100_000;

let prepared: PreparedTree;
let removeFolder: () => Promise<void>;

beforeAll(async () => {
  const folder = await folderInMemory((remove) => {
    removeFolder = remove;
  });
  prepared = await prepareTree(folder, SEED, { repositories: 8, pushes: 8, orphans: 60 });
});

afterAll(() => removeFolder());

async function copyTree(): Promise<string> {
  const copy = await prepared.copy();
  onTestFinished(() => copy.remove());
  return copy.rootDirectory;
}

/** A path of the tree that stays. */
function kept(pattern: RegExp): string {
  const path = [...prepared.keep].find((each) => pattern.test(each));
  if (path === undefined) throw new Error(`nothing that stays is like ${pattern}`);
  return path;
}

function repositoryOf(path: string): string {
  return path.slice(0, path.indexOf("/_"));
}

/** What must stay that is not below a folder: links, and the blobs of these links. */
function neededBesides(folder: string): string[] {
  const links = [...prepared.keep].filter(
    (path) => path.startsWith(REPOSITORIES) && !path.startsWith(folder),
  );
  const blobs = links.flatMap((path) => {
    const [, algorithm, hex = ""] = /\/(?:_layers|revisions)\/(sha\d+)\/([0-9a-f]+)\/link$/.exec(path) ?? [];
    return algorithm ? [`/docker/registry/v2/blobs/${algorithm}/${hex.slice(0, 2)}/${hex}/data`] : [];
  });
  return [...links, ...blobs.filter((path) => !path.startsWith(folder))];
}

describe(`garbage-collect on a tree with odd names, REGISTRY_CTL_FAULT_SEED=${SEED}`, () => {
  const names = [
    ["a newline", Buffer.from("new\nline")],
    ["quotes", Buffer.from(`quo"te's \`\\ $(x)`)],
    ["Unicode", Buffer.from("größe-☃-𝒳-\u202egnp")],
    ["escape sequences", Buffer.from("\u001b[2J\u001b[31m\u0007\r")],
    ["255 bytes", Buffer.alloc(255, "n")],
    ["bytes that are no UTF-8", Buffer.from([0x66, 0xff, 0xfe, 0x80, 0x6f])],
  ] as const;
  it.each(names)("touches no unknown file, and collects the rest: a name with %s", async (_, name) => {
    const rootDirectory = await copyTree();
    const repository = repositoryOf(kept(/\/_manifests\/tags\//));
    const places = [
      "docker/registry/v2/blobs",
      "docker/registry/v2",
      `${repository}/_layers/sha256`,
      repository,
    ];
    const files = places.map((place) => Buffer.concat([Buffer.from(`${join(rootDirectory, place)}/`), name]));
    for (const file of files) writeFileSync(file, "unknown");

    const end = await runCollector(rootDirectory);

    expect(end.exitCode, end.stderr).toBe(0);
    for (const file of files) expect(readFileSync(file, "utf8")).toBe("unknown");
    const gone = [...listStore(rootDirectory).files].filter((path) => prepared.before.files.has(path));
    expect(difference(new Set(gone), prepared.after.files)).toEqual([]);
    await expectSound(rootDirectory);
  });

  it.each(names)("deletes no blob wrongly beside a folder of such a name: %s", async (_, name) => {
    const rootDirectory = await copyTree();
    const folder = Buffer.concat([Buffer.from(`${rootDirectory}${REPOSITORIES}/`), name]);
    const from = `${rootDirectory}${repositoryOf(kept(/\/_manifests\/tags\//))}`;
    mkdirSync(folder);
    execFileSync("cp", ["-al", "--", from, `${rootDirectory}${REPOSITORIES}/moved`]);
    renameSync(`${rootDirectory}${REPOSITORIES}/moved`, Buffer.concat([folder, Buffer.from("/inner")]));

    const end = await runCollector(rootDirectory);

    expect([0, 3], end.stderr).toContain(end.exitCode);
    expectNothingLost(prepared, rootDirectory);
    // The terminal is not to be taken over by what somebody has pushed.
    expect(end.stderr).not.toContain("\u001b[2J");
  });
});

describe("garbage-collect on a tree with something else in a place", () => {
  const places = [
    ["a tag's link", "file", () => kept(/\/tags\/[^/]+\/current\/link$/)],
    ["a revision's link", "file", () => kept(/\/revisions\/sha256\/[^/]+\/link$/)],
    ["a layer's link", "file", () => kept(/\/_layers\/sha256\/[^/]+\/link$/)],
    ["a tag's history", "file", () => kept(/\/index\/sha256\/[^/]+\/link$/)],
    ["a blob", "file", () => kept(/\/blobs\/sha256\/..\/[^/]+\/data$/)],
    ["a tags folder", "folder", () => `${repositoryOf(kept(/\/current\/link$/))}/_manifests/tags`],
    ["a revisions folder", "folder", () => `${repositoryOf(kept(/\/current\/link$/))}/_manifests/revisions`],
    ["a repository", "repository", () => repositoryOf(kept(/\/current\/link$/))],
  ] as const;
  const things = [
    ["a folder", (path: string) => mkdirSync(path)],
    ["a folder with a file", (path: string) => mkdirSync(path) ?? writeFileSync(`${path}/link`, "x")],
    ["an empty file", (path: string) => writeFileSync(path, "")],
    ["a pipe", (path: string) => execFileSync("mkfifo", [path])],
    ["a link that leads nowhere", (path: string) => symlinkSync("/nowhere/at/all", path)],
    ["a link to itself", (path: string) => symlinkSync(path, path)],
    ["a device", (path: string) => symlinkSync("/dev/zero", path)],
  ] as const;

  it.each(places)(
    "ends, and loses nothing else: in place of %s",
    { timeout: 120_000 },
    async (_, what, choose) => {
      for (const [name, put] of things) {
        const rootDirectory = await copyTree();
        const victim = choose();
        const path = `${rootDirectory}${victim}`;
        await rm(path, { recursive: true });
        put(path);

        const run = await startCollector(rootDirectory);
        const timer = setTimeout(() => run.send("SIGKILL"), 20_000);
        const end = await run.ended;
        clearTimeout(timer);

        expect(end.signal, `it hangs at ${name}`).toBeNull();
        expect([0, 3, 11], `${name}: ${end.stderr}`).toContain(end.exitCode);
        const present = listStore(rootDirectory).files;
        // What was there is gone with a whole folder, unless something in its place says that more may have been there.
        const isEmptied = what === "repository" || (what === "folder" && name === "a folder");
        const mustStay = neededBesides(isEmptied ? repositoryOf(`${victim}/_`) : victim);
        const missing = mustStay.filter((each) => !present.has(each));
        expect(missing.slice(0, 5), `${name}: ${end.stderr}`).toEqual([]);
      }
    },
  );
});

describe("garbage-collect on other trees", () => {
  it("leaves 100,000 unknown files alone, and tells of them in few lines", { timeout: 120_000 }, async () => {
    const rootDirectory = await copyTree();
    const folder = `${rootDirectory}${repositoryOf(kept(/\/current\/link$/))}/_manifests/unknown`;
    mkdirSync(folder);
    for (let number = 0; number < UNKNOWN_FILES; number++) writeFileSync(join(folder, `f${number}`), "");
    const end = await runCollector(rootDirectory);
    expect(end.exitCode, end.stderr).toBe(0);
    expect(end.stdout.length + end.stderr.length).toBeLessThan(20_000);
    expectNothingLost(prepared, rootDirectory, end);
    const unknown = [...listStore(rootDirectory).files].filter((path) =>
      path.includes("/_manifests/unknown/"),
    );
    expect(unknown).toHaveLength(UNKNOWN_FILES);
  });

  it("removes one name of a file that has two, and leaves the other", async () => {
    const rootDirectory = await copyTree();
    const [blob = ""] = prepared.going.get("blobs") ?? [];
    const other = `${rootDirectory}.other-name`;
    onTestFinished(() => rmSync(other, { force: true }));
    linkSync(`${rootDirectory}${blob}`, other);
    const content = readFileSync(other);
    expectCollected(prepared, rootDirectory, await runCollector(rootDirectory));
    expect(readFileSync(other)).toEqual(content);
  });

  it("follows folders that are links to other disks, and removes what goes there", async () => {
    const rootDirectory = await copyTree();
    const elsewhere = await folderInMemory();
    for (const [index, path] of [
      repositoryOf(kept(/\/current\/link$/)),
      "/docker/registry/v2/blobs",
    ].entries()) {
      execFileSync("cp", ["-a", "--", `${rootDirectory}${path}`, join(elsewhere, String(index))]);
      rmSync(`${rootDirectory}${path}`, { recursive: true });
      symlinkSync(join(elsewhere, String(index)), `${rootDirectory}${path}`);
    }
    const end = await runCollector(rootDirectory);
    expect(end.exitCode, end.stderr).toBe(0);
    await expectSound(rootDirectory);
    const files = execFileSync("find", ["-L", join(rootDirectory, "docker/registry/v2"), "-type", "f"]);
    const names = files
      .toString()
      .split("\n")
      .slice(0, -1)
      .map((path) => path.slice(rootDirectory.length));
    expect(difference(new Set(names), prepared.after.files)).toEqual([]);
  });

  it("ends a dry run on a tree that changes under it, and changes nothing itself", {
    timeout: 60_000,
  }, async () => {
    const rootDirectory = await copyTree();
    for (let round = 0; round < 6; round++) {
      const run = await startCollector(rootDirectory, ["--dry-run"]);
      const repositories = [...prepared.before.folders]
        .filter((path) => path.endsWith("/_manifests"))
        .map(repositoryOf);
      while (run.isRunning()) {
        const path = `${rootDirectory}${repositories[round % repositories.length]}`;
        try {
          renameSync(`${path}/_manifests`, `${path}/_gone`);
          await new Promise((resolve) => setTimeout(resolve, 2));
          renameSync(`${path}/_gone`, `${path}/_manifests`);
        } catch {
          // It has nothing to move.
        }
        await new Promise((resolve) => setTimeout(resolve, 1));
      }
      const end = await run.ended;
      expect([0, 3], end.stderr).toContain(end.exitCode);
      expect(JSON.parse(end.stdout).deleted.blobs).toBe(0);
    }
    expectUntouched(prepared, rootDirectory);
    expectCollected(prepared, rootDirectory, await runCollector(rootDirectory));
  });
});
