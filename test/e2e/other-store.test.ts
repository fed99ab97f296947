import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { cp } from "node:fs/promises";
import { dirname, join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { describe, expect, it, onTestFinished } from "vitest";
import { forgetReadOnly, keepReadOnly, readKeptReadOnly } from "../../src/state/read-only-state.ts";
import { readServerRecords } from "../../src/state/server-record.ts";
import { chooseStateFolder } from "../../src/state/state-folder.ts";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { type PushedImage, RegistryHttp } from "../support/registry-http.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type RunningServerProcess, startRunning } from "../support/running-server.ts";
import { startS3Server } from "../support/s3-server/s3-server.ts";
import { s3Settings } from "../support/s3-server/settings.ts";
import { copyStore, folderStorage, keepPulling, nameStore } from "../support/store-change.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A server on one folder, and another folder with the same content. */
interface TwoStores {
  server: RunningServerProcess;
  client: RegistryHttp;
  one: string;
  other: string;
  image: PushedImage;
  /** Of a store. */
  stateOf: (rootDirectory: string) => string;
  /** Has the configuration name the other store, or the first one again. */
  name: (from: string, to: string) => void;
  /** Runs a command for the server, found by its configuration. */
  run: (...args: string[]) => Promise<ProgramResult>;
}

async function twoStores(options: { workers?: number } = {}): Promise<TwoStores> {
  const folder = await temporaryFolder();
  const [one, other] = [join(folder, "one"), join(folder, "other")];
  const server = await startRunning({
    ...{ rootDirectory: one, workers: options.workers ?? 2 },
    moreConfig: "gc: {reviewafter: -1}\n",
  });
  const client = new RegistryHttp(server.url);
  onTestFinished(() => client.close());
  const image = await client.pushImage("app", "v1", [Buffer.alloc(300_000, 1), Buffer.from("small")]);
  await cp(one, other, { recursive: true, filter: (path) => !path.includes("lockfiles") });
  const stateDir = `${one}.state`;
  return {
    ...{ server, client, one, other, image },
    stateOf: (root) =>
      chooseStateFolder({
        ...{ stateDir, storeLocation: `filesystem:${root}` },
        user: { uid: process.getuid?.() ?? 0, home: "/", env: {} },
      }),
    name: (from, to) => nameStore(server.configPath, folderStorage(from), folderStorage(to)),
    run: (...args) => runRegistryCtl([...args, "--state-dir", stateDir, server.configPath]),
  };
}

function readOnly(on: boolean, more: { forMs?: number } = {}) {
  return { on, reason: "a test", drainMs: 1000, ...more };
}

describe("a running server that is read-only", () => {
  it("goes to another store and back without refusing anybody", { timeout: 120_000 }, async () => {
    const { server, client, one, other, image, stateOf, name, run } = await twoStores();
    const { control, socket, pid } = server;
    const stop = keepPulling(server.url, image);
    await control.setReadOnly(readOnly(true));
    name(one, other);
    expect(await control.previewReload()).toMatchObject({
      changed: [{ key: "storage.filesystem.rootdirectory", from: one, to: other, applies: "store" }],
      ...{ replaced: true, pending: [] },
    });
    expect(await control.reload()).toMatchObject({ replaced: true, pending: [] });
    const status = await control.status();
    expect(status).toMatchObject({
      pid,
      store: other,
      problems: [],
      readOnly: { on: true, reason: "a test" },
    });
    expect((await client.send("POST", "/v2/app/blobs/uploads/")).status).toBe(405);
    expect(readServerRecords(stateOf(one))).toEqual([]);
    expect(readServerRecords(stateOf(other))).toMatchObject([{ record: { socket, pid } }]);
    await expect.poll(() => nodesOf(one)).toEqual([]);
    // While a record is renewed there is a temporary file beside it.
    await expect.poll(() => nodesOf(other)).toHaveLength(1);

    await control.setReadOnly(readOnly(false));
    // Idle connections to the old store's workers have just ended, which the client may not have noticed.
    client.close();
    const pushed = await client.pushImage("app", "v2", [Buffer.from("only there")]);
    await client.pushImage("app", "v1", [Buffer.from("moved")]);
    expect((await client.send("GET", `/v2/app/manifests/${pushed.tag}`)).status).toBe(200);
    expect(existsSync(join(one, "docker/registry/v2/repositories/app/_manifests/tags/v2"))).toBe(false);
    expect(existsSync(join(other, "docker/registry/v2/repositories/app/_manifests/tags/v2"))).toBe(true);
    const history = await run("history", "--json");
    expect(JSON.parse(history.stdout).entries).toContainEqual(
      expect.objectContaining({ repository: "app", tag: "v1" }),
    );
    const collected = await run("garbage-collect", "--mode", "online", "-m", "--grace", "0", "--json");
    expect(collected.exitCode).toBe(0);

    await control.setReadOnly(readOnly(true));
    await cp(other, one, { recursive: true, force: true, filter: (path) => !path.includes("lockfiles") });
    name(other, one);
    await control.reload();
    expect(await control.status()).toMatchObject({ pid, store: one });
    await control.setReadOnly(readOnly(false));
    client.close();
    await client.pushImage("app", "v3", [Buffer.from("back")]);
    const { pulled, failures } = await stop();
    expect(failures).toEqual([]);
    expect(pulled).toBeGreaterThan(200);
    expect((await run("stop")).exitCode).toBe(0);
  });
});

function nodesOf(root: string): string[] {
  const folder = join(root, "docker/registry/lockfiles/registry-ctl.nodes");
  return existsSync(folder) ? readdirSync(folder) : [];
}

describe("a running server on a disk that is read-only", () => {
  it("goes to a bucket and back", { timeout: 120_000 }, async () => {
    const { server, client, one, image, run } = await twoStores();
    const { control } = server;
    const s3 = await startS3Server();
    onTestFinished(() => s3.close());
    const location = { endpoint: s3.endpoint, bucket: "registry", region: "us-east-1" };
    const keys = { accessKey: "testaccess", secretKey: "testsecret1234567890" };
    const bucket = s3Settings({ ...location, ...keys }, { rootDirectory: "images" });
    const folder = { driver: "filesystem", rootDirectory: one, maxThreads: 100 } as const;
    const inBucket = bucketStorage({ name: location.bucket, endpoint: s3.endpoint, ...keys });
    await copyStore(folder, bucket);
    const stop = keepPulling(server.url, image, 1);
    await control.setReadOnly(readOnly(true, { forMs: 3_600_000 }));
    const { until } = (await control.status()).readOnly;
    nameStore(server.configPath, folderStorage(one), inBucket);
    await control.reload();
    expect(await control.status()).toMatchObject({ store: "s3://registry/images", problems: [] });
    expect((await control.status()).readOnly).toMatchObject({ on: true, until });
    expect((await run("readonly", "off", "--yes")).exitCode).toBe(0);
    await client.pushImage("app", "v1", [Buffer.from("moved there")]);
    const { stdout } = await run("history", "--json");
    expect(JSON.parse(stdout).entries).toContainEqual(
      expect.objectContaining({ repository: "app", tag: "v1" }),
    );
    const collected = await run("garbage-collect", "--mode", "online", "-m", "--grace", "0", "--json");
    expect(collected.exitCode).toBe(0);

    expect((await run("readonly", "on", "--yes")).exitCode).toBe(0);
    await copyStore(bucket, folder);
    nameStore(server.configPath, inBucket, folderStorage(one));
    expect((await run("reconfigure", "--yes")).stdout).toContain("is well with it, with new workers");
    expect((await control.status()).store).toBe(one);
    expect((await run("readonly", "off", "--yes")).exitCode).toBe(0);
    const { failures, pulled } = await stop();
    expect(failures).toEqual([]);
    expect(pulled).toBeGreaterThan(200);
    // Back to the bucket, and from there by undoing that.
    await control.setReadOnly(readOnly(true));
    nameStore(server.configPath, folderStorage(one), inBucket);
    await control.reload();
    await control.undoReload();
    expect(await control.status()).toMatchObject({ store: one, readOnly: { on: true, reason: "a test" } });
  });
});

describe("a server that cannot go to another store", () => {
  it("says why, and goes on as before", { timeout: 120_000 }, async () => {
    const { server, client, one, other, image, stateOf, name, run } = await twoStores({ workers: 1 });
    const { control } = server;
    name(one, other);
    const preview = await control.previewReload();
    expect(preview.refused).toMatch(
      /another store, .*other in the place of .*one: .*only while it is read-only/,
    );
    await expect(control.reload()).rejects.toMatchObject({ code: "ERR_REGISTRY_STATE" });
    expect((await run("reconfigure", "--yes")).exitCode).toBe(12);
    const shown = await run("reload", "--dry-run");
    expect(shown.stdout).toContain("would be refused as it is now");
    await client.pushImage("app", "still", [Buffer.from("written")]);

    await control.setReadOnly(readOnly(true));
    const before = await control.status();
    const stop = keepPulling(server.url, image);
    const kept = { since: "2026-01-01T00:00:00.000Z", reason: "theirs" };
    mkdirSync(stateOf(other), { recursive: true });
    keepReadOnly(stateOf(other), kept);
    await expect(control.reload()).rejects.toThrow("theirs");
    forgetReadOnly(stateOf(other));

    // Its workers cannot begin.
    const text = readFileSync(server.configPath, "utf8");
    const tls = "http:\n  tls: {certificate: /nothing, key: /nothing}\n";
    writeFileSync(server.configPath, text.replace("http:\n", tls));
    await expect(control.reload()).rejects.toThrow("cannot read /nothing");
    writeFileSync(server.configPath, text);
    expect(nodesOf(other)).toEqual([]);
    expect(readKeptReadOnly(stateOf(other))).toBeUndefined();
    expect(readKeptReadOnly(stateOf(one))).toEqual({ since: before.readOnly.since, reason: "a test" });
    expect(readServerRecords(stateOf(other))).toEqual([]);

    // It cannot be used.
    const unusable = join(server.configPath, "x");
    name(other, unusable);
    await expect(control.reload()).rejects.toMatchObject({ code: "ERR_STORAGE_UNAVAILABLE" });
    expect(readKeptReadOnly(stateOf(unusable))).toBeUndefined();
    name(unusable, other);

    // Another server works there.
    const theirs = await startRunning({ rootDirectory: other });
    await expect(control.reload()).rejects.toThrow(`process ${theirs.pid} has been serving this store`);
    await theirs.stop();

    const after = await control.status();
    expect(after).toMatchObject({ store: one, readOnly: before.readOnly, problems: [] });
    expect(after.workers[0]).toMatchObject({ pid: before.workers[0]?.pid, state: "listening" });
    await control.setReadOnly(readOnly(false));
    await client.pushImage("app", "again", [Buffer.from("written")]);
    expect((await stop()).failures).toEqual([]);
    name(other, one);
    const collected = await run("garbage-collect", "--mode", "online", "--grace", "0", "--json");
    expect(collected.exitCode).toBe(0);
  });

  it("does not wait for a collection that is under way", { timeout: 60_000 }, async () => {
    const { server, client, one, other, name, run } = await twoStores({ workers: 1 });
    const { control } = server;
    for (let i = 0; i < 12; i++) await client.pushImage("app", "v2", [Buffer.from(`content ${i}`)]);
    const collecting = run("garbage-collect", "--mode", "online", "-m", "--grace", "0", "--max-ops", "1");
    await expect.poll(async () => (await control.status()).collection, { timeout: 20_000 }).toBeDefined();
    await control.setReadOnly(readOnly(true));
    name(one, other);
    await expect(control.reload()).rejects.toThrow("a garbage collection is under way");
    await control.stopCollection();
    await collecting;
    await control.reload();
    expect((await control.status()).store).toBe(other);
  });
});

describe("a server that is stopped while it goes to another store", () => {
  it.each([50, 250, 700])(
    "leaves both, %i ms after it was told to go",
    { timeout: 60_000 },
    async (afterMs) => {
      const { server, one, other, stateOf, name } = await twoStores();
      await server.control.setReadOnly(readOnly(true));
      name(one, other);
      const reloaded = server.control.reload().catch(() => undefined);
      await sleep(afterMs);
      expect(await server.stop()).toEqual({ exitCode: 0, signal: null });
      await reloaded;
      expect([nodesOf(one), nodesOf(other)]).toEqual([[], []]);
      expect([one, other].flatMap((root) => readServerRecords(stateOf(root)))).toEqual([]);
      expect(readKeptReadOnly(stateOf(one))).toMatchObject({ reason: "a test" });
      expect(existsSync(dirname(server.socket))).toBe(false);
    },
  );
});

describe("a connection to the old store that was idle", () => {
  it("is not used for what clients push to the new one", { timeout: 60_000 }, async () => {
    const { server, one, other, name } = await twoStores({ workers: 1 });
    const idle = new RegistryHttp(server.url, { maxSockets: 1 });
    onTestFinished(() => idle.close());
    await idle.send("GET", "/v2/");
    await server.control.setReadOnly(readOnly(true));
    name(one, other);
    await server.control.reload();
    await server.control.setReadOnly(readOnly(false));
    const fresh = new RegistryHttp(server.url);
    onTestFinished(() => fresh.close());
    const { tag } = await fresh.pushImage("app", "fresh", [Buffer.from("fresh")]);
    expect((await idle.send("GET", `/v2/app/manifests/${tag}`)).status).toBe(200);
    await idle.pushImage("app", "more", [Buffer.from("more")]);
    const { workers } = await server.control.status();
    expect(workers.filter(({ state }) => state === "listening")).toHaveLength(1);
    await expect.poll(async () => (await server.control.status()).workers.length).toBe(1);
  });
});
