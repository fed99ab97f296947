import { once } from "node:events";
import { mkdir, open, rm, writeFile } from "node:fs/promises";
import { dirname, join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { parseDigest } from "../../src/oci/digest.ts";
import { blobDataPath, LOCKFILES_ROOT, layerLinkPath, REPOSITORIES_ROOT } from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeWithPrograms(["docker-registry"], "verify on what the Go registry wrote", () => {
  it("finds nothing wrong in it, then the one blob that is lost", async () => {
    const { rootDirectory, configPath, image } = await goStore();

    const sound = await runRegistryCtl(["verify", "--checksum", configPath]);
    expect(sound.exitCode, sound.stderr).toBe(0);
    expect(sound.stdout).toContain("nothing is wrong: every tag, platform and referrer is complete");
    expect(sound.stderr).toContain(configPath);

    const [lost = ""] = image.blobDigests;
    await rm(join(rootDirectory, blobDataPath(parseDigest(lost))));
    const broken = await runRegistryCtl(["verify", configPath]);
    expect(broken.exitCode, broken.stderr).toBe(4);
    expect(broken.stdout).toContain(`blob ${lost} is not stored; breaks team/image:latest`);
    expect(broken.stdout).toContain("1 problem found");
  });
});

describe("verify", () => {
  it("prints one JSON document", async () => {
    const { tree, configPath } = await ourStore();
    const image = await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    await tree.driver.delete(layerLinkPath("a", (await tree.repository("b").layer("layer")).digest));

    const { stdout, stderr, exitCode } = await runRegistryCtl([
      "verify",
      "--json",
      "--checksum=100%",
      configPath,
    ]);

    expect(exitCode, stderr).toBe(4);
    const report = JSON.parse(stdout);
    expect(report).toEqual({
      schemaVersion: 1,
      command: "verify",
      complete: false,
      checksum: {
        percent: 100,
        blobs: 3,
        bytes: expect.any(Number),
        ofBlobs: 3,
        ofBytes: expect.any(Number),
      },
      checked: {
        repositories: 2,
        tags: 1,
        manifests: 1,
        layerLinks: 2,
        blobs: 3,
        bytes: image.size + "layer".length + "config of image".length,
      },
      unneeded: { blobs: 0, bytes: 0, layerLinks: 1, temporaryFiles: 0 },
      problemCount: 1,
      counts: { "missing-layer-link": 1 },
      problems: [
        {
          kind: "missing-layer-link",
          message: expect.stringContaining("repository a has no link to blob sha256:"),
          digest: expect.stringMatching(/^sha256:/),
          repositories: { first: ["a"], total: 1 },
          tags: { first: ["a:v1"], total: 1 },
        },
      ],
      notices: [],
      uncheckedCount: 0,
      unchecked: [],
      warnings: [],
      seconds: expect.any(Number),
    });
  });

  it("counts a layer link to nothing as a problem, and notices with --strict only", async () => {
    const { tree, configPath } = await ourStore();
    await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    await tree.driver.put(`${REPOSITORIES_ROOT}/a/_layers/\u001b[31mREADME`, Buffer.from("?"));
    const lenient = await runRegistryCtl(["verify", configPath]);
    expect(lenient.exitCode, lenient.stderr).toBe(0);
    expect(lenient.stdout).toMatch(/^notice: unknown files \(1\):\n.*_layers\/\?\[31mREADME/);
    const strict = await runRegistryCtl(["verify", "--strict", configPath]);
    expect(strict.exitCode, strict.stderr).toBe(4);
    expect(strict.stdout).toMatch(/^unknown files \(1\):[\s\S]*1 problem found$/);

    const collected = await tree.repository("a").layer("collected");
    await tree.driver.delete(blobDataPath(collected.digest));
    const dangling = await runRegistryCtl(["verify", configPath]);
    expect(dangling.exitCode, dangling.stderr).toBe(4);
    expect(dangling.stdout).toMatch(/^dangling layer link \(1\):\n.*garbage-collect removes them/);
  });

  it("takes --checksum without a share wherever it stands", async () => {
    const { tree, configPath } = await ourStore();
    await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    for (const args of [
      ["--checksum", "--json", configPath],
      ["--json", configPath, "--checksum"],
      ["--json", "--checksum", configPath],
    ]) {
      const { stdout, stderr, exitCode } = await runRegistryCtl(["verify", ...args]);
      expect(exitCode, stderr).toBe(0);
      expect(JSON.parse(stdout)).toMatchObject({ checksum: { percent: 100, blobs: 3, ofBlobs: 3 } });
    }
  });

  it("hashes by turns with --rotate, from where the last run has come to", async () => {
    const { tree, configPath, rootDirectory } = await ourStore();
    for (let number = 0; number < 30; number++) await tree.repository("a").layer(`layer ${number}`);
    const state = ["--state-dir", `${rootDirectory}.state`];
    const run = () =>
      runRegistryCtl(["verify", "--json", "--checksum=50%", "--rotate", ...state, configPath]);
    const runs = [];
    for (let turn = 0; turn < 3; turn++) {
      const { stdout, stderr, exitCode } = await run();
      expect(exitCode, stderr).toBe(0);
      runs.push(JSON.parse(stdout).checksum);
      // What comes meanwhile has its turn as well.
      await tree.repository("a").layer(`late ${turn}`);
    }
    expect(runs.map(({ rotation }) => [rotation.fromPercent, rotation.toPercent])).toEqual([
      [0, 50],
      [50, 100],
      [0, 50],
    ]);
    expect(runs[0].rotation).not.toHaveProperty("coveredSince");
    expect(Date.parse(runs[1].rotation.coveredSince)).toBeLessThan(Date.parse(runs[2].rotation.coveredSince));
    expect(runs[0].blobs + runs[1].blobs).toBeGreaterThanOrEqual(30);
    const refused = await runRegistryCtl(["verify", "--rotate", configPath]);
    expect(refused.exitCode).toBe(2);
  });

  it("looks only at the repositories that are named, and at those below them", async () => {
    const { tree, configPath } = await ourStore();
    for (const name of ["group/app", "group/app/web", "other"]) {
      await tree.repository(name).image(name, [`layer of ${name}`], { tag: "v1" });
    }
    const lost = await tree.repository("other").layer("layer of other");
    await tree.driver.delete(blobDataPath(lost.digest));

    const one = await runRegistryCtl(["verify", "--json", "--repository", "group/app", configPath]);
    expect(one.exitCode, one.stderr).toBe(0);
    expect(JSON.parse(one.stdout)).toMatchObject({
      onlyRepositories: ["group/app"],
      checked: { repositories: 2, manifests: 2, blobs: 6 },
    });

    const both = await runRegistryCtl([
      ...["verify", "--repository", "other", "--repository", "group/app", configPath],
    ]);
    expect(both.exitCode, both.stderr).toBe(4);
    expect(both.stdout).toContain("breaks other:v1");
  });

  it("tells wrong usage and repositories that are not there from damage", async () => {
    const { tree, configPath } = await ourStore();
    await tree.repository("a").image("image", [], { tag: "v1" });
    const runs: [string[], number, string][] = [
      [["--repository", "none", configPath], 1, "none"],
      [["--repository", "Upper", configPath], 2, "Upper"],
      [["--checksum=150%", configPath], 2, "per cent"],
      [["--checksum", configPath, configPath], 2, "too many arguments"],
      [[`${configPath}.missing`], 10, "missing"],
    ];
    for (const [args, expected, words] of runs) {
      const { exitCode, stdout, stderr } = await runRegistryCtl(["verify", ...args]);
      expect(exitCode, args.join(" ")).toBe(expected);
      expect(stderr).toContain(words);
      expect(stdout).toBe("");
    }
  });

  it("ends with exit code 3 if something could not be looked at, such as a metadata database", async () => {
    const { tree, configPath } = await ourStore();
    await tree.repository("a").image("image", [], { tag: "v1" });
    await tree.driver.put(`${LOCKFILES_ROOT}/database-in-use`, new Uint8Array());
    const { exitCode, stdout, stderr } = await runRegistryCtl(["verify", configPath]);
    expect(exitCode).toBe(3);
    expect(stderr).toContain("warning: this registry keeps its metadata in a database");
    expect(stdout).toContain("not everything could be looked at");
  });

  it("changes nothing, also in a store that is opened read-only", async () => {
    const { tree, configPath } = await ourStore();
    await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    const before = await tree.files("/");
    const { exitCode, stderr } = await runRegistryCtl(["--read-only-store", "verify", configPath]);
    expect(exitCode, stderr).toBe(0);
    expect(await tree.files("/")).toEqual(before);
  });

  it("stops at Ctrl-C in the middle of a large blob", async () => {
    const { tree, rootDirectory, configPath } = await ourStore();
    await tree.repository("a").image("image", ["layer"], { tag: "v1" });
    const path = join(rootDirectory, blobDataPath(parseDigest(`sha256:${"ab".repeat(32)}`)));
    await mkdir(dirname(path), { recursive: true });
    const sparse = await open(path, "w");
    await sparse.truncate(64 * 1024 ** 3);
    await sparse.close();

    const run = execa(process.execPath, [REGISTRY_CTL_PATH, "verify", "--checksum", configPath], {
      env: cleanEnvironment(),
      extendEnv: false,
      reject: false,
      timeout: 60_000,
    });
    await once(run.stderr, "data");
    await new Promise((resolve) => setTimeout(resolve, 500));
    run.kill("SIGINT");
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    expect(stdout).toBe("");
  });

  it("shows the findings of each kind together, and what they break", async () => {
    const { tree, configPath, rootDirectory } = await ourStore();
    const shared = await tree.repository("a").layer("shared");
    for (let number = 0; number < 25; number++) {
      await tree.repository(`r${number}`).linkLayer(shared.digest);
      await tree.repository(`r${number}`).image(`image ${number}`, [shared], { tag: "v1" });
    }
    await tree.driver.delete(blobDataPath(shared.digest));
    await writeFile(join(rootDirectory, REPOSITORIES_ROOT, "a", "_layers", "README"), "?");

    const { exitCode, stdout, stderr } = await runRegistryCtl(["verify", configPath]);

    expect(exitCode, stderr).toBe(4);
    expect(stdout).toMatch(
      /^missing blob \(1\):\n {2}blob sha256:\w+ is not stored; breaks r0:v1, .* and 15 more\n/,
    );
    expect(stdout).toContain("notice: unknown files (1):");
    expect(stdout).toContain("looked at: 26 repositories, 25 tags, 25 manifests");
  });
});

interface Store {
  rootDirectory: string;
  configPath: string;
}

async function ourStore(): Promise<Store & { tree: RegistryTree }> {
  const rootDirectory = join(await temporaryFolder(), "registry");
  await mkdir(rootDirectory);
  const configPath = await writeServeConfig({ rootDirectory, port: 1 });
  return { rootDirectory, configPath, tree: new RegistryTree(new FilesystemDriver({ rootDirectory })) };
}

async function goStore(): Promise<Store & { image: PushedImage }> {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const server = await startGoRegistry({ rootDirectory });
  const client = new RegistryHttp(server.url);
  try {
    const image = await client.pushImage("team/image", "latest", [Buffer.alloc(30_000, 1)]);
    return { rootDirectory, configPath: `${rootDirectory}.config.yml`, image };
  } finally {
    client.close();
    await server.stop();
  }
}
