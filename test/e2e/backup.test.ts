import { existsSync, mkdirSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { blobDataPath } from "../../src/registry/paths.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { findFreePort } from "../support/free-port.ts";
import { run } from "../support/image-clients.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { pushMany } from "../support/push-many.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { faultsBySeed } from "../support/s3-server/faults.ts";
import { startS3Server } from "../support/s3-server/s3-server.ts";
import { type ServeProcess, startServe, writeServeConfig } from "../support/serve-process.ts";
import { startRegistryCtl } from "../support/start-registry-ctl.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Each test runs the program several times. */
vi.setConfig({ testTimeout: 120_000 });

const KEYS = { accessKey: "key-of-test", secretKey: "secret-of-test" };

interface World {
  folder: string;
  config: string;
  tree: RegistryTree;
  store: string;
  state: string[];
}

/** A registry on a disk that nobody serves, and a folder for its backups. */
async function world(): Promise<World> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "registry");
  const store = join(folder, "backups");
  mkdirSync(store);
  const config = await writeServeConfig({ rootDirectory, port: await findFreePort() });
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
  await tree.repository("team/app").image("one", ["base", "1"], { tag: "v1" });
  await tree.repository("team/app").image("two", ["base", "2"], { tag: "v2" });
  return { folder, config, tree, store, state: ["--state-dir", join(folder, "state")] };
}

async function serving(rootDirectory: string, env: Record<string, string> = {}): Promise<ServeProcess> {
  const server = await startServe({ rootDirectory, env });
  onTestFinished(async () => void (await server.stop()));
  return server;
}

describe("backup", () => {
  it("creates, lists, verifies, restores and prunes, and says so", async () => {
    const { config, tree, store, folder, state } = await world();
    const created = await runRegistryCtl(["backup", "create", "--store", store, config, ...state]);
    expect(created.exitCode).toBe(0);
    expect(created.stdout).toMatch(
      /^snapshot \d{8}T\d{6}Z-[0-9a-f]{8}\n {2}1 repository, 2 tags, 2 manifests; [\d.]+ [KM]?i?B\n {2}copied 7 blobs/,
    );
    expect(created.stderr).toContain(`backups: ${store}`);
    const listed = await runRegistryCtl(["backup", "list", "--store", store, "--repositories"]);
    expect([listed.exitCode, listed.stderr]).toEqual([0, ""]);
    expect(listed.stdout).toMatch(/^SNAPSHOT +TIME \(UTC\) +REPOSITORIES +TAGS +SIZE +CONTENT\n/);
    expect(listed.stdout).toMatch(/team\/app +2 +2/);
    const verified = await runRegistryCtl(["backup", "verify", "--store", store, "--checksum"]);
    expect([verified.exitCode, verified.stderr]).toEqual([0, expect.stringContaining("reading snapshots")]);
    expect(verified.stdout).toMatch(/^1 snapshot, 7 blobs, .*; hashed 7 blobs\nall is there$/);
    await tree.repository("team/app").untag("v1");
    const dry = await runRegistryCtl([
      "backup",
      "restore",
      "--store",
      store,
      "--dryrun",
      "-c",
      config,
      ...state,
    ]);
    expect(dry.exitCode).toBe(0);
    expect(dry.stdout).toMatch(/^would restore 1 tag and 0 manifests of /);
    const restored = await runRegistryCtl(["backup", "restore", "--store", store, "-c", config, ...state]);
    expect([restored.exitCode, restored.stdout]).toEqual([
      0,
      expect.stringMatching(/^restored 1 tag and 0 manifests/),
    ]);
    expect(restored.stderr).toContain("the registry is stopped already, and stays so");
    await runRegistryCtl(["backup", "create", "--store", store, config, ...state]);
    const refused = await runRegistryCtl(["backup", "prune", "--store", store, "--keep-last", "1", ...state]);
    expect([refused.exitCode, refused.stdout]).toEqual([2, ""]);
    const pruned = await runRegistryCtl([
      "backup",
      "prune",
      "--store",
      store,
      "--keep-last",
      "1",
      "-y",
      ...state,
    ]);
    expect([pruned.exitCode, pruned.stdout]).toEqual([0, expect.stringMatching(/1 snapshot stays$/)]);
    expect(readdirSync(join(store, "backup", "snapshots"))).toHaveLength(1);
    const history = await runRegistryCtl(["history", "--json", "--state-dir", join(folder, "state"), config]);
    const commands = JSON.parse(history.stdout).entries.map(({ command }: { command?: string }) => command);
    expect(commands).toEqual(["backup create", "backup restore", "backup create", "backup prune"]);
  });

  it("prints documents with the same fields each time", async () => {
    const { config, tree, store, state } = await world();
    const shapes: Record<string, unknown> = {};
    const json = async (args: string[]): Promise<void> => {
      const { stdout, exitCode, stderr } = await runRegistryCtl([
        "backup",
        ...args,
        "--store",
        store,
        "--json",
        ...state,
      ]);
      expect([args[0], exitCode, stderr]).toEqual([args[0], 0, ""]);
      shapes[`backup ${args[0]}`] = shapeOf(JSON.parse(stdout));
    };
    await json(["create", config, "-q"]);
    await tree.repository("team/app").image("three", ["3"], { tag: "v1" });
    await json(["list", "--repositories"]);
    await json(["verify"]);
    await json(["restore", "-n", "-q", "-c", config]);
    await json(["prune", "-q", "-n", "--keep-last", "1"]);
    await expect(`${JSON.stringify(shapes, null, 2)}\n`).toMatchFileSnapshot(
      "../../fixtures/golden/backup.json",
    );
  });

  it("asks on a terminal before tags point elsewhere, and without one ends with 2", async () => {
    const { config, tree, store, state } = await world();
    await runRegistryCtl(["backup", "create", "--store", store, config, ...state]);
    const moved = await tree.repository("team/app").image("moved", ["3"], { tag: "v1" });
    const args = ["backup", "restore", "--store", store, "-c", config, ...state];
    const without = await runRegistryCtl(args);
    expect([without.exitCode, without.stdout]).toEqual([2, ""]);
    expect(without.stderr).toContain(`team/app:v1  ${moved.digest} -> sha256:`);
    const kept = await runRegistryCtl([...args, "--keep-existing", "--json", "-q"]);
    expect([kept.exitCode, JSON.parse(kept.stdout).tags]).toEqual([
      0,
      { new: 0, same: 1, overwritten: 0, kept: 1, lacking: 0 },
    ]);
  });

  describeWithPrograms(["script"], "on a terminal", () => {
    it("takes no and yes for an answer", async () => {
      const { config, tree, store, state } = await world();
      await runRegistryCtl(["backup", "create", "--store", store, config, ...state]);
      await tree.repository("team/app").image("moved", ["3"], { tag: "v1" });
      const args = ["backup", "restore", "--store", store, "-c", config, ...state];
      const no = await runOnTerminal(args, { answer: "n" });
      expect([no.exitCode, no.shown]).toEqual([
        130,
        expect.stringContaining("Make this tag point elsewhere?"),
      ]);
      const yes = await runOnTerminal(args, { answer: "y" });
      expect([yes.exitCode, yes.shown]).toEqual([0, expect.stringContaining("restored 1 tag")]);
    });
  });

  it("refuses its own store, a registry, another registry's backups and a folder that is not there", async () => {
    const { config, store, folder, state } = await world();
    const create = async (place: string, of = config): Promise<[number | undefined, string]> => {
      const { exitCode, stderr } = await runRegistryCtl(["backup", "create", "--store", place, of, ...state]);
      return [exitCode, stderr];
    };
    const inside = join(folder, "registry", "backups");
    mkdirSync(inside);
    expect(await create(inside)).toEqual([2, expect.stringContaining("lie within each other")]);
    expect(await create(join(folder, "registry"))).toEqual([
      2,
      expect.stringContaining("lie within each other"),
    ]);
    expect(await create(join(folder, "none"))).toEqual([10, expect.stringContaining("cannot be read")]);
    const other = await world();
    expect(await create(join(other.folder, "registry"))).toEqual([
      12,
      expect.stringContaining("holds a registry"),
    ]);
    expect((await create(store))[0]).toBe(0);
    expect(await create(store, other.config)).toEqual([12, expect.stringContaining("of another registry")]);
    const listed = await runRegistryCtl(["backup", "list", "--store", other.store]);
    expect([listed.exitCode, listed.stdout]).toEqual([12, ""]);
  });

  it("killed, leaves no snapshot, and goes on next time", async () => {
    const { config, tree, store, state } = await world();
    for (let number = 0; number < 40; number++)
      await tree
        .repository("many")
        .layer("x".repeat(2_000_000 + number))
        .then((layer) => tree.repository("many").image(`image ${number}`, [layer], { tag: `t${number}` }));
    const first = startRegistryCtl([
      "backup",
      "create",
      "--store",
      store,
      config,
      "--max-bandwidth",
      "20MiB/s",
      ...state,
    ]);
    const blobs = join(store, "docker/registry/v2/blobs/sha256");
    while (!existsSync(blobs) || readdirSync(blobs).length < 60)
      await new Promise((resolve) => setTimeout(resolve, 20));
    first.child.kill("SIGKILL");
    await first.result;
    expect(
      existsSync(join(store, "backup/snapshots")) ? readdirSync(join(store, "backup/snapshots")) : [],
    ).toEqual([]);
    const second = await runRegistryCtl([
      "backup",
      "create",
      "--store",
      store,
      config,
      "--json",
      "-q",
      ...state,
    ]);
    expect(second.exitCode).toBe(0);
    const { counts, copied } = JSON.parse(second.stdout);
    expect(copied.files).toBeLessThan(counts.blobs);
    const verified = await runRegistryCtl(["backup", "verify", "--store", store, "--checksum", "-q"]);
    expect(verified.exitCode).toBe(0);
  });

  it("names what is damaged and ends with 4, what is missing with 3", async () => {
    const { config, tree, store, state } = await world();
    const lost = await tree.repository("team/lost").layer("lost");
    await tree.repository("team/lost").image("lost", [lost], { tag: "v1" });
    await tree.driver.delete(blobDataPath(lost.digest));
    const missing = await runRegistryCtl(["backup", "create", "--store", store, config, ...state]);
    expect([missing.exitCode, missing.stdout]).toEqual([
      3,
      expect.stringContaining(`missing: team/lost:v1 ${lost.digest}: its bytes are not there`),
    ]);
    await tree.driver.put(blobDataPath(lost.digest), Buffer.from("damaged"));
    const damaged = await runRegistryCtl(["backup", "create", "--store", store, config, ...state]);
    expect([damaged.exitCode, damaged.stdout]).toEqual([4, expect.stringContaining(`damaged: team/lost:v1`)]);
    const strict = await runRegistryCtl(["backup", "create", "--strict", "--store", store, config, ...state]);
    expect([strict.exitCode, strict.stdout]).toEqual([4, expect.stringMatching(/^no snapshot was written/)]);
  });

  it("tells which files to remove where bytes of the backup are damaged, and copies them again then", async () => {
    const { config, store, state } = await world();
    const create = ["backup", "create", "-q", "--json", "--store", store, config, ...state];
    await runRegistryCtl(create);
    const backup = new FilesystemDriver({ rootDirectory: store });
    const [path = ""] = await new RegistryTree(backup).files("/docker/registry/v2/blobs");
    const sound = await backup.get(path);
    await backup.put(
      path,
      sound.map((byte) => byte ^ 1),
    );
    const verify = ["backup", "verify", "--store", store, "--checksum", "-q"];
    const damaged = await runRegistryCtl(verify);
    expect([damaged.exitCode, damaged.stdout]).toEqual([
      4,
      expect.stringContaining(`to be removed from the backups:\n  ${path}\n`),
    ]);
    rmSync(join(store, path));
    expect(JSON.parse((await runRegistryCtl(create)).stdout).copied).toMatchObject({ files: 1 });
    expect((await runRegistryCtl(verify)).exitCode).toBe(0);
  });

  it("restores into a registry that is served, read-only meanwhile", async () => {
    const { store, folder } = await world();
    const env = { XDG_RUNTIME_DIR: folder };
    const server = await serving(join(folder, "registry"), env);
    const state = ["--state-dir", join(folder, "registry.state"), "--ctl-config", join(folder, "ctl.yml")];
    await runRegistryCtl(["backup", "create", "--store", store, server.configPath, ...state.slice(0, 2)]);
    const client = new RegistryHttp(server.url);
    try {
      expect((await client.send("DELETE", "/v2/team/app/manifests/v1")).status).toBe(202);
      const inUse = await runRegistryCtl(
        ["backup", "restore", "--store", store, "--to", join(folder, "registry"), ...state.slice(0, 2)],
        { env },
      );
      expect([inUse.exitCode, inUse.stderr]).toEqual([
        12,
        expect.stringContaining("a server takes writes to this store"),
      ]);
      const { stderr, exitCode } = await runRegistryCtl(
        ["backup", "restore", "--store", store, "-c", server.configPath, ...state],
        { env },
      );
      expect([exitCode, stderr]).toEqual([0, expect.stringMatching(/read-only until/)]);
      const manifest = await client.send("GET", "/v2/team/app/manifests/v1", {
        headers: { accept: "application/vnd.oci.image.manifest.v1+json" },
      });
      expect(manifest.status).toBe(200);
      expect((await client.send("POST", "/v2/team/app/blobs/uploads/")).status).toBe(202);
    } finally {
      client.close();
    }
  });
});

describeWithPrograms(["skopeo"], "backup of a registry in use", () => {
  it("goes to a bucket with failing requests and back to a disk, and every tag of it pulls", async () => {
    const { folder, state } = await world();
    const server = await serving(join(folder, "registry"));
    const s3 = await startS3Server({ ...KEYS, faults: faultsBySeed(7, { probability: 0.05 }) });
    onTestFinished(() => s3.close());
    const bucket = join(folder, "bucket.yml");
    writeFileSync(bucket, `storage:\n${bucketStorage({ name: "registry", endpoint: s3.endpoint, ...KEYS })}`);
    const plan = { images: 20, layerBytes: 300_000, concurrency: 2 };
    await pushMany(server.url, { ...plan, round: 1 });
    const pushing = pushMany(server.url, { ...plan, round: 2, images: 60 });
    const created = await runRegistryCtl([
      "backup",
      "create",
      "--store",
      bucket,
      server.configPath,
      "--json",
      "-q",
      ...state,
    ]);
    const pushed = await pushing;
    expect(pushed.failures).toEqual([]);
    expect([created.exitCode, created.stderr]).toEqual([0, ""]);
    const target = join(folder, "restored");
    mkdirSync(target);
    const restored = await runRegistryCtl([
      "backup",
      "restore",
      "--store",
      bucket,
      "--to",
      target,
      "--json",
      "-q",
      ...state,
    ]);
    expect([restored.exitCode, restored.stderr]).toEqual([0, ""]);
    expect(JSON.parse(restored.stdout).tags.new).toBe(JSON.parse(created.stdout).counts.tags);
    expect(JSON.parse(created.stdout).counts.tags).toBeGreaterThanOrEqual(22);
    const copy = await serving(target);
    const client = new RegistryHttp(copy.url);
    const { repositories } = JSON.parse((await client.send("GET", "/v2/_catalog")).body.toString());
    expect(repositories.length).toBeGreaterThan(5);
    for (const repository of repositories) {
      const to = join(folder, "pulled", repository);
      mkdirSync(to, { recursive: true });
      await run("skopeo", [
        ...["sync", "--all", "--src", "docker", "--dest", "dir", "--src-tls-verify=false"],
        ...[`${new URL(copy.url).host}/${repository}`, to],
      ]);
    }
    client.close();
    const other = join(folder, "other.yml");
    const place = bucketStorage(
      { name: "registry", endpoint: s3.endpoint, ...KEYS },
      { more: { rootdirectory: "/other" } },
    );
    writeFileSync(other, `version: 0.1\nstorage:\n${place}`);
    const moved = await runRegistryCtl([
      "backup",
      "restore",
      "--store",
      bucket,
      "--to",
      other,
      "-q",
      ...state,
    ]);
    expect([moved.exitCode, moved.stderr]).toEqual([0, ""]);
    const compared = await runRegistryCtl(["verify", other, "-q", ...state]);
    expect([compared.exitCode, compared.stderr]).toEqual([0, ""]);
    expect([...s3.bucket("registry").objects.keys()]).toContain("other/docker/registry/registry-ctl.times");
    const back = await runRegistryCtl(["backup", "verify", "--store", bucket, "--checksum", "-q"]);
    expect([back.exitCode, back.stderr]).toEqual([0, ""]);
  }, 300_000);
});

/** The names of fields, and the types of their values. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [shapeOf(value[0])];
  if (typeof value !== "object" || value === null) return typeof value;
  return Object.fromEntries(Object.entries(value).map(([name, field]) => [name, shapeOf(field)]));
}
