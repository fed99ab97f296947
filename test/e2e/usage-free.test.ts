import { mkdir, rename, symlink, utimes, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import type { FreeReport } from "../../src/operations/usage/free/free-report.ts";
import {
  blobDataPath,
  tagCurrentLinkPath,
  uploadDataPath,
  uploadStartedAtPath,
} from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { folderInMemory } from "../support/folder-in-memory.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";

const UPLOAD = "0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a91";
const YEAR_AGO = new Date(Math.floor(Date.now() / 1000 - 365 * 86_400) * 1000);
const KIB = 1024;

/** A registry of which each step frees some 10 KiB, and the fewest tags 20 more. */
class Store {
  readonly root: string;
  readonly configPath: string;
  readonly tree: RegistryTree;

  private constructor(root: string, configPath: string) {
    this.root = root;
    this.configPath = configPath;
    this.tree = new RegistryTree(new FilesystemDriver({ rootDirectory: root }));
  }

  static async make(): Promise<Store> {
    const rootDirectory = join(await folderInMemory(), "store");
    await mkdir(rootDirectory);
    const store = new Store(rootDirectory, await writeServeConfig({ rootDirectory, port: 1 }));
    const { tree } = store;
    const app = tree.repository("group/app");
    await app.upload(UPLOAD, "u".repeat(10 * KIB));
    await store.age(uploadDataPath("group/app", UPLOAD));
    await store.age(uploadStartedAtPath("group/app", UPLOAD));
    await tree.blob("o".repeat(10 * KIB));
    await app.image("untagged", ["shared", "n".repeat(10 * KIB)]);
    await app.image("old", ["shared", "d".repeat(10 * KIB)], { tag: "old" });
    await store.age(tagCurrentLinkPath("group/app", "old"));
    const running = await app.image("running", ["shared", "r".repeat(10 * KIB)], { tag: "running" });
    await app.image("latest", ["shared", "l".repeat(10 * KIB)], { tag: "latest" });
    await app.image("small", ["shared", "s"], { tag: "small" });
    const web = tree.repository("other/web");
    const large = await web.image("large", ["shared", "w".repeat(20 * KIB)], { tag: "large" });
    await web.tag("again", large.digest);
    await writeFile(store.at("running.txt"), `${running.digest} # on host one\n`);
    return store;
  }

  at(name: string): string {
    return join(this.root, "..", name);
  }

  async age(path: string): Promise<void> {
    await utimes(join(this.root, path), YEAR_AGO, YEAR_AGO);
  }

  async bytes(): Promise<number> {
    let bytes = 0;
    for (const path of await this.tree.files("/docker")) {
      const { sizeBytes } = await this.tree.driver.stat(path);
      if (path.endsWith("/data") || path.includes("/_uploads/")) bytes += sizeBytes;
    }
    return bytes;
  }

  /** `usage free` without grace, as everything was written just now. */
  free(...args: string[]) {
    return runRegistryCtl(["usage", "free", ...args, "--grace", "0", this.configPath]);
  }

  async plan(...args: string[]): Promise<FreeReport> {
    const { stdout, stderr } = await this.free(...args, "--json");
    expect(stderr).toContain(this.configPath);
    return JSON.parse(stdout);
  }
}

describe("usage free", () => {
  it("proposes in safe order what a script of its commands then frees to the byte", async () => {
    const store = await Store.make();
    const protect = ["--protect", store.at("running.txt")];
    const before = await store.bytes();
    const report = await store.plan("60KiB", ...protect);
    expect(report).toMatchObject({ isEnough: true, wantedBytes: 60 * KIB, problems: [], warnings: [] });
    expect(report.steps.map(({ kind, tags }) => ({ kind, tags }))).toEqual([
      { kind: "uploads" },
      { kind: "orphans" },
      { kind: "untagged" },
      { kind: "old-tags", tags: [{ repository: "group/app", tags: ["old"] }] },
      { kind: "tags", tags: [{ repository: "other/web", tags: ["again", "large"] }] },
    ]);
    expect(report.freedBytes).toBe(report.steps.reduce((sum, { bytes }) => sum + bytes, 0));

    const text = await store.free("60KiB", ...protect);
    expect(text.exitCode, text.stderr).toBe(0);
    expect(text.stdout).toContain(`     registry-ctl uploads purge --config ${store.configPath}\n\n2. blobs`);
    expect(text.stdout).toMatch(/\nfrees 6\d\.\d KiB of \d+\.\d KiB; wanted: 60\.0 KiB$/);

    const script = await store.free("60KiB", ...protect, "--commands", "--quiet");
    expect(script).toMatchObject({ exitCode: 0, stderr: "" });
    const bin = store.at("bin");
    await mkdir(bin);
    await symlink(REGISTRY_CTL_PATH, join(bin, "registry-ctl"));
    const env = { ...cleanEnvironment(), PATH: `${bin}:${process.env["PATH"]}` };
    await execa("sh", ["-c", script.stdout], { env, extendEnv: false });
    expect(before - (await store.bytes())).toBe(report.freedBytes);
    const verified = await runRegistryCtl(["verify", store.configPath]);
    expect(verified.exitCode, verified.stdout).toBe(0);
    const tags = (await store.tree.files("/docker")).filter((path) => path.endsWith("/current/link"));
    expect(tags).toEqual(["latest", "running", "small"].map((tag) => tagCurrentLinkPath("group/app", tag)));

    const again = await store.free("60KiB", ...protect);
    expect(again.exitCode, again.stderr).toBe(4);
    expect(again.stdout).toMatch(
      /^nothing is proposed\nnot enough: 60\.0 KiB of the 60\.0 KiB that are wanted/,
    );
    expect(again.stdout).toMatch(
      /everything else that may go would free another \d+ B; that is not proposed/,
    );
  });

  it("never proposes latest, but with its project", async () => {
    const store = await Store.make();
    // The project that was pushed to last stays, as the registry must not lose all tags.
    await store.tree.repository("zz/newest").image("z", ["z"], { tag: "z" });
    const byTags = await store.plan("75KiB");
    expect(byTags).toMatchObject({ isEnough: false });
    expect(JSON.stringify(byTags)).not.toContain('"latest"');
    const byProjects = await store.plan("75KiB", "--last", "projects");
    expect(byProjects.isEnough).toBe(true);
    expect(byProjects.steps.at(-1)).toMatchObject({
      kind: "projects",
      projects: ["group/app", "other/web"],
      tags: [
        { repository: "group/app", tags: ["latest", "running", "small"] },
        { repository: "other/web", tags: ["again", "large"] },
      ],
    });
    const asGroups = await store.plan("75KiB", "--last", "projects", "--depth", "1");
    expect(asGroups.steps.at(-1)?.projects).toEqual(["group", "other"]);
    const spared = await store.plan("75KiB", "--last", "projects", "--protect", store.at("running.txt"));
    expect(spared).toMatchObject({ isEnough: false });
    expect(spared.steps.map(({ kind }) => kind)).not.toContain("projects");
  });

  it("never proposes a tag on an index of a protected image, at any depth", async () => {
    const store = await Store.make();
    const web = store.tree.repository("other/web");
    const platform = await web.image("platform", ["p".repeat(10 * KIB)]);
    const inner = await web.index([platform]);
    const second = await web.image("second", ["q".repeat(10 * KIB)]);
    await web.index([inner, second], { tag: "multi" });
    await store.age(tagCurrentLinkPath("other/web", "multi"));
    const free = await store.plan("75KiB");
    expect(JSON.stringify(free)).toContain('"multi"');
    await writeFile(store.at("platform.txt"), `host/other/web@${platform.digest}\n`);
    const spared = await store.plan("75KiB", "--protect", store.at("platform.txt"));
    expect(JSON.stringify(spared.steps.map(({ tags }) => tags))).not.toContain('"multi"');
  });

  it("says what is damaged, and proposes nothing that it may need", async () => {
    const store = await Store.make();
    const app = store.tree.repository("group/app");
    const damaged = await app.image("damaged", ["x".repeat(10 * KIB)], { tag: "damaged" });
    await store.tree.driver.put(blobDataPath(damaged.digest), Buffer.from("{"));
    const { stdout, stderr, exitCode } = await store.free("60KiB");
    expect(exitCode).toBe(3);
    expect(stderr).toMatch(/problem: group\/app: manifest sha256:\S+ is unreadable/);
    expect(stdout).toContain("uploads that were abandoned");
    expect(stdout).toContain("blobs that no manifest needs");
    expect(stdout).not.toContain("group/app");
    expect(stdout).toContain("not enough");
  });

  it("proposes nothing but uploads while something cannot be listed", async () => {
    const store = await Store.make();
    const manifests = join(store.root, "docker/registry/v2/repositories/other/web/_manifests");
    await rename(manifests, store.at("moved"));
    await symlink(store.at("unmounted"), manifests);
    const { stdout, stderr, exitCode } = await store.free("30KiB");
    expect(exitCode).toBe(3);
    expect(stderr).toContain("other/web/_manifests");
    expect(stderr).toContain("something could not be listed: a collection frees no blob until it can be");
    expect(stdout).toContain("1. uploads that were abandoned");
    expect(stdout).not.toContain("2.");
    expect(stdout).not.toContain("garbage-collect");
  });

  it.each([
    [["0"], "It is more than 0"],
    [["much"], "It is a size such as 500MB"],
    [["1GB", "--json", "--commands"], "--json and --commands exclude each other"],
    [["1GB", "--protect", "-"], "--protect names a file here"],
    [["1GB", "--format", "csv"], "free takes no --format"],
    [["1GB", "--last", "everything"], "Allowed choices are tags, projects"],
    [["1GB", "--protect", "/nowhere"], "/nowhere cannot be read"],
  ])("refuses %j", async (args, message) => {
    const { stderr, exitCode } = await runRegistryCtl(["usage", "free", ...args, "/nowhere/config.yml"]);
    expect({ stderr, exitCode }).toEqual({ stderr: expect.stringContaining(message), exitCode: 2 });
  });
});

describe("usage explain", () => {
  it("tells a project's largest layers, the tags that need them, and who shares them", async () => {
    const store = await Store.make();
    const { stdout, stderr, exitCode } = await runRegistryCtl([
      ...["usage", "explain", "group/app", "--top", "4", "--grace", "0", store.configPath],
    ]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(
      /^group\/app: 1 repository, 4 tags, 5 manifests\nit keeps 4\d\.\d KiB: 4\d\.\d KiB alone, 6 B together with others\n/,
    );
    expect(stdout).toMatch(/no tag needs 10\.\d KiB of that: garbage-collect -m frees it/);
    expect(stdout).toMatch(/\nSHARED WITH +SIZE\nother\/web +6 B\n/);
    expect(stdout).toMatch(/\n10\.0 KiB +1 +group\/app:latest +nobody +sha256:[0-9a-f]{64}\n/);
    expect(stdout).toMatch(/\n10\.0 KiB +0 +no tag, in group\/app +nobody +sha256:/);
    expect(stdout).toMatch(/\nand \d+ smaller ones: see --top$/);
  });

  it("prints one JSON document, of a group too", async () => {
    const store = await Store.make();
    const args = ["usage", "explain", "other", "--top", "0", "--json", "--grace", "0", store.configPath];
    const report = JSON.parse((await runRegistryCtl(args)).stdout);
    expect(report).toMatchObject({
      schemaVersion: 1,
      command: "usage explain",
      project: "other",
      repositories: ["other/web"],
      tags: 2,
      manifests: 1,
      sharedBytes: 6,
      untaggedBytes: 0,
      sharedWith: [{ project: "group/app", bytes: 6 }],
      layerCount: 3,
      problems: [],
    });
    expect(report.layers[0]).toMatchObject({
      bytes: 20 * KIB,
      isExclusive: true,
      tags: { count: 2, first: ["other/web:again", "other/web:large"] },
      repositories: ["other/web"],
      sharedWith: [],
    });
    expect(report.layers.at(-1)).toMatchObject({
      bytes: 6,
      isExclusive: false,
      sharedWith: [{ project: "group/app", repositories: ["group/app"] }],
    });
  });

  it("names what is nearest to a project that is not there", async () => {
    const store = await Store.make();
    const { stderr, exitCode } = await runRegistryCtl(["usage", "explain", "group/ap", store.configPath]);
    expect(exitCode).toBe(2);
    expect(stderr).toContain('there is no project or repository "group/ap"');
    expect(stderr).toContain("did you mean group/app?");
  });
});
