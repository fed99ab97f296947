import { rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import { blobDataPath, layerLinkPath, tagCurrentLinkPath } from "../../src/registry/paths.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { age, contentsOf, fillStore, storageFragment, storeOnDisk } from "../support/two-stores.ts";

async function pair() {
  const [source, target] = [await storeOnDisk(), await storeOnDisk()];
  const pushed = await fillStore(source.driver);
  await fillStore(target.driver);
  await age(source);
  const run = (...args: string[]) =>
    runRegistryCtl([
      ...[
        "verify",
        "--state-dir",
        source.stateDir,
        "--against",
        target.configPath,
        ...args,
        source.configPath,
      ],
    ]);
  return { source, target, pushed, run };
}

/** Without what differs from run to run. */
function stable(json: string, folders: Record<string, string>): string {
  let text = JSON.stringify(JSON.parse(json), undefined, 2);
  for (const [name, folder] of Object.entries(folders)) text = text.replaceAll(folder, name);
  return `${text.replaceAll(/"seconds": [\d.]+/g, '"seconds": 0')}\n`;
}

describe("verify --against", () => {
  it("prints the counts side by side, and that nothing differs", async () => {
    const { source, target, run } = await pair();
    const before = [await contentsOf(source.driver), await contentsOf(target.driver)];
    const { stdout, stderr, exitCode } = await run("--checksum");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toMatch(/^ +SOURCE FILES +SIZE +TARGET FILES +SIZE\n/);
    expect(stdout).toMatch(/\nblobs\/ +10 +[\d.]+ \w+ +10 +/);
    expect(stdout).toMatch(/\nrepositories\/ +14 +[\d.]+ \w+ +14 +/);
    expect(stdout).toContain("checksums: of 10 of 10 blobs");
    expect(stdout).toMatch(
      /\nthe target has everything that the source has, and nothing else; every tag, platform and referrer at the target is complete$/,
    );
    expect(stderr).toContain(source.configPath);
    expect(stderr).toContain(`against: ${target.rootDirectory} (from ${target.configPath})`);
    expect([await contentsOf(source.driver), await contentsOf(target.driver)]).toEqual(before);
  });

  it("prints one JSON document of a known form", async () => {
    const { source, target, pushed, run } = await pair();
    await target.driver.delete(blobDataPath(pushed.shared.digest));
    await target.driver.put(tagCurrentLinkPath("group/app", "v1"), Buffer.from(pushed.platform.digest));
    await target.driver.put(blobDataPath(digestOf(Buffer.from("own layer"))), Buffer.from("OWN layer"));
    const { stdout, stderr, exitCode } = await run("--json", "--checksum");
    expect(exitCode, stderr).toBe(4);
    const folders = { "/source": source.rootDirectory, "/target": target.rootDirectory };
    await expect(stable(stdout, folders)).toMatchFileSnapshot("../../fixtures/golden/verify-against.json");
  });

  it.each([
    [
      "a blob is lost",
      async ({ driver }, { shared }) => driver.delete(blobDataPath(shared.digest)),
      ["only in the target", "missing in the target"],
    ],
    [
      "a blob is truncated",
      async ({ driver }, { shared }) => driver.put(blobDataPath(shared.digest), Buffer.from("sha")),
      ["different in size", "different in size"],
    ],
    [
      "a blob is changed",
      async ({ driver }, { shared }) => driver.put(blobDataPath(shared.digest), Buffer.from("SHARED layer")),
      ["damaged bytes", "damaged bytes"],
    ],
    [
      "a link is wrong",
      async ({ driver }, { shared, image }) =>
        driver.put(layerLinkPath("group/app", shared.digest), Buffer.from(image.digest)),
      ["different in content", "different in content"],
    ],
    [
      "a link is empty",
      async ({ driver }, { shared }) =>
        driver.put(layerLinkPath("group/app", shared.digest), new Uint8Array()),
      ["different in size", "different in size"],
    ],
    [
      "a tag is lost",
      async ({ driver }) => driver.delete(tagCurrentLinkPath("group/app", "v1")),
      ["only in the target", "missing in the target"],
    ],
  ] satisfies [
    string,
    (s: Awaited<ReturnType<typeof storeOnDisk>>, p: Awaited<ReturnType<typeof fillStore>>) => Promise<void>,
    [string, string],
  ][])("tells on either side that %s", async (_what, damage, [inSource, inTarget]) => {
    for (const side of ["source", "target"] as const) {
      const stores = await pair();
      await damage(stores[side], stores.pushed);
      await age(stores.source);
      const { stdout, stderr, exitCode } = await stores.run("--checksum");
      expect(exitCode, stderr).toBe(4);
      expect(stdout).toMatch(new RegExp(`^${side === "source" ? inSource : inTarget} \\(1\\):\n  /docker`));
      expect(stdout).toMatch(/1 difference( and \d problems? at the target)? found$/);
    }
  });

  it("counts apart what the source has just changed", async () => {
    const { source, pushed, run } = await pair();
    await source.driver.put(tagCurrentLinkPath("group/app", "late"), Buffer.from(pushed.image.digest));
    const { stdout, stderr, exitCode } = await run();
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("in use: 1 file that the source has just changed");
  });

  it("takes part of a configuration, and one repository of both", async () => {
    const { source, target, pushed } = await pair();
    await target.driver.put(tagCurrentLinkPath("other", "v1"), Buffer.from(pushed.image.digest));
    const part = await storageFragment(
      target.configPath,
      `filesystem:\n  rootdirectory: ${target.rootDirectory}\n`,
    );
    const args = ["verify", "--state-dir", source.stateDir, "--against", part];
    const all = await runRegistryCtl([...args, source.configPath]);
    expect(all.exitCode).toBe(4);
    const one = await runRegistryCtl([...args, "--repository", "group", source.configPath]);
    expect(one.exitCode, one.stderr).toBe(0);
    expect(one.stdout).toMatch(/the target has everything of group that the source has/);
  });

  it("hashes by turns, and tells since when all have been hashed", async () => {
    const { run } = await pair();
    let hashed = 0;
    for (const turn of ["40% of all", "80%", "100%"]) {
      const { stdout, stderr, exitCode } = await run("--checksum=40%", "--rotate");
      expect(exitCode, stderr).toBe(0);
      hashed += Number(/checksums: of (\d+) of 10 blobs/.exec(stdout)?.[1]);
      if (turn === "100%") expect(stdout).toMatch(/every blob as old as 20\S+Z has been hashed since/);
      else expect(stdout).toContain(`; ${turn.replace(" of all", "")} have had their turn so far`);
    }
    expect(hashed).toBe(10);
  });

  it("tells wrong usage from stores that are not there", async () => {
    const { source, target, run } = await pair();
    const same = ["verify", "--against", source.configPath, source.configPath];
    const runs: [string[], number, string][] = [
      [same, 2, "names the store that is to be compared"],
      [["verify", "--against", target.configPath, "--repair", source.configPath], 2, "compares two stores"],
      [["verify", "--rotate", source.configPath], 2, "--checksum=5%"],
      [["verify", "--checksum=5%", "--rotate", "--repository", "a", source.configPath], 2, "--rotate"],
      [["verify", "--from", target.configPath, source.configPath], 2, "--from is of no use without --repair"],
      [["verify", "--against", `${target.configPath}.none`, source.configPath], 10, "there is no such file"],
    ];
    for (const [args, expected, words] of runs) {
      const { exitCode, stdout, stderr } = await runRegistryCtl(args);
      expect(exitCode, args.join(" ")).toBe(expected);
      expect(stderr).toContain(words);
      expect(stdout).toBe("");
    }
    const none = await run("--repository", "none");
    expect(none.exitCode, none.stderr).toBe(1);
  });

  it("says what it could not look at", async () => {
    const { target, run } = await pair();
    const folder = join(target.rootDirectory, "docker/registry/v2/repositories/group/app/_layers");
    await rm(folder, { recursive: true });
    await writeFile(folder, "no folder");
    const { stdout, exitCode } = await run();
    expect(exitCode).toBe(4);
    expect(stdout).toContain("missing in the target (");
  });

  it("shows how far it is on a terminal, and the same result", async () => {
    const { source, target } = await pair();
    const { shown, exitCode } = await runOnTerminal([
      ...["verify", "--state-dir", source.stateDir, "--against", target.configPath, source.configPath],
    ]);
    expect(exitCode, shown).toBe(0);
    expect(shown).toContain("the target has everything that the source has, and nothing else");
  });
});
