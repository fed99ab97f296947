import { mkdir, readdir, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it } from "vitest";
import { blobDataPath } from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const BASE = "base layer ".repeat(40);
const PUSHED = "2026-03-01T12:00:00Z";
const PUSHED_LATER = "2026-04-01T12:00:00Z";

/** Two projects that share a layer, a repository of its own, an image without a tag, an orphan and a lone layer link. */
async function store() {
  const rootDirectory = await temporaryFolder();
  const driver = new FilesystemDriver({ rootDirectory });
  const tree = new RegistryTree(driver);
  const app = tree.repository("group/app/web");
  const first = await app.image("first", [BASE, "layer of first"], { tag: "v1" });
  await app.tag("v1-again", first.digest);
  await app.image("untagged", [BASE, "layer that nobody needs any more"]);
  const other = tree.repository("group/other");
  const image = await other.image("other", [BASE], { tag: "latest" });
  await other.index([image], { tag: "all-platforms" });
  await tree.repository("group/app/db").layer("pushed and never used");
  await tree.blob("orphan");
  await execa("find", [rootDirectory, "-exec", "touch", "-d", PUSHED, "{}", "+"]);
  const later = "docker/registry/v2/repositories/group/other/_manifests/tags/latest/current/link";
  await execa("touch", ["-d", PUSHED_LATER, join(rootDirectory, later)]);
  const configPath = await writeServeConfig({ rootDirectory, port: 5000 });
  return { rootDirectory, configPath, driver, tree, first, image };
}

async function bytesOfBlobFiles(rootDirectory: string): Promise<number> {
  const folder = join(rootDirectory, "docker/registry/v2/blobs");
  let bytes = 0;
  for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
    if (entry.isFile()) bytes += (await stat(join(entry.parentPath, entry.name))).size;
  return bytes;
}

describe("usage", () => {
  it("prints one JSON document, whose sums are the blob files' sizes", async () => {
    const { rootDirectory, configPath } = await store();
    const { stdout, stderr, exitCode } = await runRegistryCtl(["usage", "--json", configPath]);
    expect(exitCode, stderr).toBe(0);
    const report = JSON.parse(stdout);
    const sum = (key: string) =>
      report.rows.reduce((total: number, row: Record<string, number>) => total + (row[key] ?? 0), 0);
    const files = await bytesOfBlobFiles(rootDirectory);
    expect(report.total.sizeBytes).toBe(files);
    expect(sum("exclusiveBytes") + report.total.sharedBytes + report.orphans.sizeBytes).toBe(files);
    await expect(`${JSON.stringify(report, undefined, 2)}\n`).toMatchFileSnapshot(
      "../../fixtures/golden/usage.json",
    );
  });

  it("says the same of what a collection would free as the collection", async () => {
    const { configPath } = await store();
    const usage = JSON.parse((await runRegistryCtl(["usage", "--json", configPath])).stdout);
    const { stdout } = await runRegistryCtl(["garbage-collect", "-m", "-n", "--json", configPath]);
    expect(usage.total.untaggedBytes + usage.orphans.freeableBytes).toBe(JSON.parse(stdout).eligible.bytes);
    expect(usage.orphans.freeableBytes).toBe("orphan".length + "pushed and never used".length);
  });

  it("counts as GitLab's console does: layers of each tag's own image, also those of an index's children not", async () => {
    const { configPath } = await store();
    const { stdout, exitCode } = await runRegistryCtl([
      "usage",
      "--format",
      "gitlab-csv",
      "--quiet",
      configPath,
    ]);
    const layers = BASE.length + "layer of first".length;
    expect({ stdout, exitCode }).toEqual({
      stdout: [
        "project_id,creator_id,registry_size_bytes,project path",
        `,,${2 * layers},group/app`,
        `,,${BASE.length},group/other`,
      ].join("\n"),
      exitCode: 0,
    });
  });

  it("takes projects from a list, the longest path for each repository, and marks what is none of them", async () => {
    const { configPath, rootDirectory } = await store();
    const list = `${rootDirectory}.projects`;
    await writeFile(list, "group/app,7,3\ngroup/app/db # has only a layer\n");
    const args = ["usage", "--projects", list, "--format", "csv", "--sort", "name", "--quiet", configPath];
    const { stdout } = await runRegistryCtl(args);
    const [head = "", ...lines] = stdout.split("\n").map((line) => line.split(","));
    const of = (column: string) => lines.map((line) => line[head.indexOf(column)]);
    expect(of("name")).toEqual(["group/app", "group/app/db", "group/other", "(orphans)"]);
    expect(of("projectId")).toEqual(["7", "", "", ""]);
    expect(of("creatorId")).toEqual(["3", "", "", ""]);
    expect(of("guessed")).toEqual(["", "", "true", ""]);
    expect(of("tags")).toEqual(["2", "0", "2", ""]);
    expect(of("lastPushAt")).toEqual(["2026-03-01T12:00:00.000Z", "", "2026-04-01T12:00:00.000Z", ""]);
  });

  it("lists what is larger than --over and exits 4, and 0 if nothing is", async () => {
    const { configPath } = await store();
    const larger = await runRegistryCtl(["usage", "--over", "0.6kB", "--quiet", configPath]);
    expect(larger.exitCode).toBe(4);
    expect(larger.stdout).toContain("larger than 600 B: 2");
    const none = await runRegistryCtl(["usage", "--over", "1GB", "--quiet", configPath]);
    expect(none.exitCode).toBe(0);
    expect(none.stdout).toContain("larger than 953.7 MiB: none");
  });

  it("shows what was pushed since a day, the first rows, and tags, layers and media types", async () => {
    const { configPath, image } = await store();
    const run = async (...args: string[]) =>
      (await runRegistryCtl(["usage", "--quiet", "--format", "csv", ...args, configPath])).stdout
        .split("\n")
        .slice(1)
        .map((line) => line.split(",")[0]);
    expect(await run("--since", "2026-03-02")).toEqual(["group/other", "(orphans)"]);
    expect(await run("--by", "tag", "--since", "2026-03-02")).toEqual(["group/other:latest", "(orphans)"]);
    expect(await run("--by", "tag", "--sort", "name", "--top", "1")).toEqual([
      "group/app/web:v1",
      "(orphans)",
    ]);
    expect(await run("--by", "layer")).toContain(image.digest);
    expect(await run("--by", "media-type", "--sort", "name")).toEqual([
      "application/vnd.oci.image.config.v1+json",
      "application/vnd.oci.image.index.v1+json",
      "application/vnd.oci.image.layer.v1.tar+gzip",
      "application/vnd.oci.image.manifest.v1+json",
      "(orphans)",
    ]);
    const markdown = await runRegistryCtl(["usage", "--format", "md", "--quiet", configPath]);
    expect(markdown.stdout).toMatch(/^\| PROJECT \| SIZE \|.*\n\| --- \| ---: \|/);
  });

  it("counts what is damaged as kept, says so and exits 3", async () => {
    const { configPath, driver, first } = await store();
    await driver.put(blobDataPath(first.digest), Buffer.from("no manifest"));
    const { stdout, stderr, exitCode } = await runRegistryCtl(["usage", "--quiet", configPath]);
    expect(exitCode).toBe(3);
    expect(stdout).toMatch(/^group\/app~ \(damaged\)/m);
    expect(stderr).toContain(`problem: group/app/web: manifest ${first.digest} is unreadable`);
    expect(stderr).toContain("everything in the repository is kept");
    const report = JSON.parse((await runRegistryCtl(["usage", "--json", configPath])).stdout);
    expect(report.total.untaggedBytes).toBe(0);
  });

  it("frees nothing by its count while a folder of repositories cannot be listed", async () => {
    const { configPath, rootDirectory } = await store();
    await execa("ln", ["-s", "nowhere", join(rootDirectory, "docker/registry/v2/repositories/lost")]);
    const { stdout, exitCode } = await runRegistryCtl(["usage", "--json", configPath]);
    expect(exitCode).toBe(3);
    const { rows, total, orphans, problems } = JSON.parse(stdout);
    expect(problems.join("\n")).toContain("/repositories/lost: cannot be read");
    expect([total.untaggedBytes, orphans.freeableBytes]).toEqual([0, 0]);
    expect(rows.map(({ exclusiveBytes }: { exclusiveBytes: number }) => exclusiveBytes)).toEqual(
      rows.map(() => 0),
    );
  });

  it("keeps what --protect names", async () => {
    const { configPath, tree } = await store();
    const untagged = await tree.repository("group/app/web").image("protected", ["spared layer"]);
    const args = ["usage", "--grace", "0s", "--json", "--by", "repository"];
    const freed = async (...more: string[]): Promise<number> => {
      const { stdout } = await runRegistryCtl([...args, ...more, configPath]);
      return JSON.parse(stdout).total.untaggedBytes;
    };
    const list = `${configPath}.protected`;
    await writeFile(list, `${untagged.digest}\n`);
    expect((await freed()) - (await freed("--protect", list))).toBe(
      untagged.size + "spared layer".length + "config of protected".length,
    );
  });

  it("counts parked repositories under the name that they had", async () => {
    const { configPath, rootDirectory } = await store();
    const repositories = join(rootDirectory, "docker/registry/v2/repositories");
    await mkdir(join(repositories, "REGISTRY-CTL-PARKED/group"), { recursive: true });
    await execa("mv", [
      join(repositories, "group/other"),
      join(repositories, "REGISTRY-CTL-PARKED/group/other"),
    ]);
    const { stdout, exitCode } = await runRegistryCtl(["usage", "--by", "repository", "--json", configPath]);
    expect(exitCode).toBe(0);
    const row = JSON.parse(stdout).rows.find(({ name }: { name: string }) => name === "group/other");
    expect(row).toMatchObject({ parked: true, tags: 2, manifests: 2 });
  });

  it("refuses a registry whose metadata is in a database, and flags that mean nothing together", async () => {
    const { configPath, driver } = await store();
    const csv = await runRegistryCtl(["usage", "--by", "tag", "--format", "gitlab-csv", configPath]);
    expect(csv.exitCode).toBe(2);
    expect((await runRegistryCtl(["usage", "--by", "layer", "--since", "7d", configPath])).exitCode).toBe(2);
    expect((await runRegistryCtl(["usage", "--over", "much", configPath])).exitCode).toBe(2);
    await driver.put("/docker/registry/lockfiles/database-in-use", Buffer.from(""));
    const refused = await runRegistryCtl(["usage", configPath]);
    expect(refused.exitCode).toBe(12);
    expect(refused.stdout).toBe("");
  });

  it("changes nothing in the store", async () => {
    const { configPath, tree } = await store();
    const before = await tree.files("/");
    await runRegistryCtl(["usage", "--by", "tag", configPath]);
    expect(await tree.files("/")).toEqual(before);
  });
});

describeWithPrograms(["script"], "usage on a terminal", () => {
  it("has a bar for each row, in the place of columns that find no room", async () => {
    const { configPath } = await store();
    const { shown, exitCode } = await runOnTerminal(["usage", "--quiet", configPath]);
    expect(exitCode).toBe(0);
    const lines = shown.split("\n");
    expect(lines.find((line) => line.startsWith("PROJECT"))).toMatch(/SIZE +EXCLUSIVE/);
    expect(lines.find((line) => line.startsWith("group/app~"))).toMatch(/ #{8,}:*$/);
    expect(lines.find((line) => line.startsWith("group/other~"))).toMatch(/ #+:+$/);
    expect(lines.find((line) => line.startsWith("TOTAL"))).not.toContain("#");
    for (const line of lines.slice(0, lines.indexOf(""))) expect(line.length).toBeLessThan(80);
  });
});
