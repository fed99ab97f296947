import { once } from "node:events";
import { readFileSync, writeFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { digestOf } from "../../src/oci/digest.ts";
import {
  blobDataPath,
  LOCKFILES_ROOT,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
} from "../../src/registry/paths.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { startReadOnlyRegistry } from "../support/read-only-registry.ts";
import { RegistryTree } from "../support/registry-tree.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startRunning } from "../support/running-server.ts";
import { REGISTRY_CTL_PATH, startServe, writeServeConfig } from "../support/serve-process.ts";
import { contentsOf, fillStore, storeOnDisk } from "../support/two-stores.ts";

type Store = Awaited<ReturnType<typeof storeOnDisk>>;

/** A store that is damaged in each way that can be mended, and another one that is whole. */
async function damagedStore() {
  const [store, whole] = [await storeOnDisk(), await storeOnDisk()];
  const pushed = await fillStore(store.driver);
  await fillStore(whole.driver);
  const sound = await contentsOf(store.driver);
  await damage(store, pushed);
  return { store, whole, pushed, sound, damaged: await contentsOf(store.driver) };
}

async function damage({ driver }: Store, { shared, image, platform }: Awaited<ReturnType<typeof fillStore>>) {
  const tree = new RegistryTree(driver).repository("group/app");
  const collected = await tree.layer("collected");
  await driver.delete(blobDataPath(collected.digest));
  await driver.delete(blobDataPath(shared.digest));
  await driver.put(blobDataPath(platform.digest), Buffer.from("{}"));
  await driver.put(layerLinkPath("group/app", digestOf(Buffer.from("own layer"))), new Uint8Array());
  await driver.delete(layerLinkPath("group/app", digestOf(Buffer.from("config of image"))));
  await driver.put(revisionLinkPath("group/app", image.digest), Buffer.from(shared.digest));
}

const repairOf = (store: Store, ...args: string[]): string[] => [
  ...["verify", "--state-dir", store.stateDir, "--repair", ...args, store.configPath],
];

describe("verify --repair", () => {
  it.each(["--dry-run", "-n", "--dryrun"])(
    "with %s says what it would do, and changes nothing",
    async (flag) => {
      const { store, whole, damaged } = await damagedStore();
      const { stdout, stderr, exitCode } = await runRegistryCtl(
        repairOf(store, flag, "--from", whole.configPath),
      );
      expect(exitCode, stderr).toBe(0);
      expect(stdout).toMatch(/^would fetch 2 blobs:\n {2}\/docker.*; \S+ has it\n/);
      expect(stdout).toContain("would rewrite 2 links:");
      expect(stdout).toContain("would restore 1 link:");
      expect(stdout).toMatch(
        /stays: link \S+ leads to nothing, and stays: a manifest of group\/app cannot be read/,
      );
      expect(stdout).toMatch(/would do: 2 blobs fetched, .* to fetch\)\nnothing was changed \(dry run\)$/);
      expect(await contentsOf(store.driver)).toEqual(damaged);
    },
  );

  it("mends everything with another store, and has nothing to do then", async () => {
    const { store, whole, sound } = await damagedStore();
    const before = await contentsOf(whole.driver);
    const args = repairOf(store, "--yes", "--from", whole.configPath);
    const { stdout, stderr, exitCode } = await runRegistryCtl(args);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain("fetched 2 of 2 blobs:");
    expect(stdout).toContain("removed 1 of 1 link:");
    expect(stdout).toMatch(
      /done: 2 blobs fetched, 2 links rewritten, 1 link restored, 1 link removed \(.* fetched\)\nnothing is wrong any more: every tag, platform and referrer is complete$/,
    );
    expect(await contentsOf(store.driver)).toEqual(sound);
    expect(await contentsOf(whole.driver)).toEqual(before);
    const journal = /journal: (.*)/.exec(stdout)?.[1] ?? "";
    expect(journal).toContain(store.stateDir);
    expect(readFileSync(journal, "utf8").trimEnd().split("\n").at(-1)).toBe('{"end":"done"}');

    const again = await runRegistryCtl(args);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).toBe("nothing is wrong: every tag, platform and referrer is complete");
    expect(again.stderr).toContain(store.configPath);
  });

  it("prints one JSON document of a known form", async () => {
    const { store, whole } = await damagedStore();
    const { stdout, stderr, exitCode } = await runRegistryCtl([
      ...["--json", ...repairOf(store, "--yes", "--from", whole.configPath)],
    ]);
    expect(exitCode, stderr).toBe(0);
    const text = JSON.stringify(JSON.parse(stdout), undefined, 2)
      .replaceAll(whole.rootDirectory, "/whole")
      .replace(/"startedAt": ".*"/, '"startedAt": "2026-01-01T00:00:00.000Z"')
      .replace(/"journal": ".*"/, '"journal": "/state/1.journal"')
      .replace(/"seconds": [\d.]+/, '"seconds": 0');
    await expect(`${text}\n`).toMatchFileSnapshot("../../fixtures/golden/verify-repair.json");
  });

  it("does without another store what can be done, and says what is left", async () => {
    const { store } = await damagedStore();
    const { stdout, stderr, exitCode } = await runRegistryCtl(repairOf(store, "-y"));
    expect(exitCode, stderr).toBe(4);
    expect(stdout).toMatch(/stays: blob sha256:\w+ is not stored \(name with --from/);
    expect(stdout).toMatch(/still: missing blob \(1\):/);
    expect(stdout).toMatch(/\n\d problems left$/);
  });

  it("asks on a terminal, and changes nothing at no", async () => {
    const { store, whole, pushed, sound, damaged } = await damagedStore();
    const no = await runOnTerminal(repairOf(store, "--from", whole.configPath), { answer: "n" });
    expect(no.shown).toContain("to fetch: 2 blobs (");
    expect(no.shown).toContain("Carry out these steps?");
    expect(no.exitCode, no.shown).toBe(130);
    expect(await contentsOf(store.driver)).toEqual(damaged);
    expect(await contentsOf(store.driver)).toEqual(damaged);

    // Without the manifest that shows more when it is there again.
    const { platform } = pushed;
    await store.driver.put(
      blobDataPath(platform.digest),
      await whole.driver.get(blobDataPath(platform.digest)),
    );
    const yes = await runOnTerminal(repairOf(store, "--from", whole.configPath), { answer: "y" });
    expect(yes.exitCode, yes.shown).toBe(0);
    expect(yes.shown).toContain("nothing is wrong any more");
    expect(await contentsOf(store.driver)).toEqual(sound);
  });

  it("wants --yes without a terminal", async () => {
    const { store, damaged } = await damagedStore();
    const { stdout, stderr, exitCode } = await runRegistryCtl(repairOf(store));
    expect(exitCode).toBe(2);
    expect(stdout).toBe("");
    expect(stderr).toContain("then give --yes");
    expect(await contentsOf(store.driver)).toEqual(damaged);
  });

  it("refuses a metadata database, and says what to use instead", async () => {
    const { store, damaged } = await damagedStore();
    await store.driver.put(`${LOCKFILES_ROOT}/database-in-use`, new Uint8Array());
    const { stdout, stderr, exitCode } = await runRegistryCtl(repairOf(store, "--yes"));
    expect(exitCode).toBe(12);
    expect(stdout).toBe("");
    expect(stderr).toMatch(
      /keeps its metadata in a database[\s\S]*tools of the registry that has the database/,
    );
    const byConfig = await storeOnDisk();
    await fillStore(byConfig.driver);
    writeFileSync(
      byConfig.configPath,
      `${readFileSync(byConfig.configPath, "utf8")}database:\n  enabled: true\n`,
    );
    expect((await runRegistryCtl(repairOf(byConfig, "--yes"))).exitCode).toBe(12);
    expect(await contentsOf(store.driver)).toEqual(damaged);
  });

  it("never guesses a tag, and tells its history", async () => {
    const { store, pushed } = await damagedStore();
    await store.driver.put(tagCurrentLinkPath("group/app", "v1"), Buffer.from("garbage\u001b[31m"));
    const { stdout, exitCode } = await runRegistryCtl(repairOf(store, "--yes"));
    expect(exitCode).toBe(4);
    expect(stdout).toMatch(/stays: tag group\/app:v1 is not guessed: its link \S+ holds "garbage/);
    expect(stdout).not.toContain("\u001b");
    expect(stdout).toMatch(
      new RegExp(`it pointed to ${pushed.image.digest} since 20\\S+Z \\(tag history\\)`),
    );
  });

  it("asks a registry that is not ours for its proof, and takes a read-only one for it", async () => {
    const { store, whole } = await damagedStore();
    const writer = createServer((_request, response) => {
      response.writeHead(400).end('{"errors":[{"code":"MANIFEST_INVALID"}]}');
    });
    writer.listen(0, "127.0.0.1");
    await once(writer, "listening");
    onTestFinished(() => void writer.close());
    const { port } = writer.address() as AddressInfo;
    await writeServeConfig({ rootDirectory: store.rootDirectory, port });
    const args = repairOf(store, "--yes", "--from", whole.configPath);
    const refused = await runRegistryCtl(args);
    expect(refused.exitCode).toBe(12);
    expect(refused.stderr).toContain("it takes writes");

    const readOnly = await startReadOnlyRegistry();
    onTestFinished(() => readOnly.close());
    await writeServeConfig({ rootDirectory: store.rootDirectory, port: readOnly.port });
    expect((await runRegistryCtl(args)).exitCode).toBe(0);
  });

  it("holds our running server read-only for the time, and it takes pushes again", {
    timeout: 60_000,
  }, async () => {
    const { store, whole, sound } = await damagedStore();
    const server = await startRunning({ rootDirectory: store.rootDirectory });
    const state = ["--state-dir", `${store.rootDirectory}.state`];
    const from = ["--from", whole.configPath, server.configPath];
    const dry = await runRegistryCtl(["verify", "--repair", "--dry-run", ...state, ...from]);
    expect([dry.exitCode, dry.stderr]).toEqual([
      0,
      expect.stringContaining("a real run makes the registry read-only meanwhile"),
    ]);
    expect(dry.stderr).not.toContain("would refuse");
    const { stdout, stderr, exitCode } = await runRegistryCtl([
      ...["verify", "--state-dir", `${store.rootDirectory}.state`, "--repair", "--yes"],
      ...["--from", whole.configPath, server.configPath],
    ]);
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toContain("mode: read-only: ");
    expect(stdout).toContain("nothing is wrong any more");
    expect(await contentsOf(store.driver)).toEqual(sound);
    expect((await server.control.status()).readOnly.on).toBe(false);
    const upload = await fetch(`${server.url}/v2/group/app/blobs/uploads/`, { method: "POST" });
    expect(upload.status).toBe(202);
  });

  it("stops at Ctrl-C, leaves the server as it was, and another run does the rest", {
    timeout: 60_000,
  }, async () => {
    const { store, whole, sound } = await damagedStore();
    const server = await startRunning({ rootDirectory: store.rootDirectory });
    const slow = createServer((_request, response) => void response.write("x"));
    slow.listen(0, "127.0.0.1");
    await once(slow, "listening");
    onTestFinished(() => {
      slow.closeAllConnections();
      slow.close();
    });
    const from = `http://127.0.0.1:${(slow.address() as AddressInfo).port}`;
    const state = ["--state-dir", `${store.rootDirectory}.state`];
    const run = execa(
      process.execPath,
      [REGISTRY_CTL_PATH, "verify", ...state, "--repair", "--yes", "--from", from, server.configPath],
      { env: cleanEnvironment(), extendEnv: false, reject: false, stdin: "ignore" },
    );
    await once(slow, "request");
    await expect.poll(async () => (await server.control.status()).readOnly.on).toBe(true);
    run.kill("SIGINT");
    const { exitCode, stdout } = await run;
    expect(exitCode).toBe(130);
    expect(stdout).toBe("");
    expect((await server.control.status()).readOnly.on).toBe(false);
    const rest = await runRegistryCtl([
      ...["verify", ...state, "--repair", "--yes", "--from", whole.configPath, server.configPath],
    ]);
    expect(rest.exitCode, rest.stderr).toBe(0);
    expect(await contentsOf(store.driver)).toEqual(sound);
  });

  it("tells wrong usage", async () => {
    const { store, whole } = await damagedStore();
    const auth = `${store.configPath}.auth.json`;
    writeFileSync(auth, '{"auths":{"other.example":{"auth":"bWU6aHVudGVyMg=="}}}');
    const runs: [string[], number, string][] = [
      [["--repository", "group/app"], 2, "--repair looks at all repositories"],
      [["--from", "https://me:hunter2@registry.example"], 2, "must hold no user and no password"],
      [["--from", "https://registry.example", "--auth-file", auth], 2, "no credentials for registry.example"],
      [["--from", whole.configPath, "--auth-file", auth], 2, "--auth-file is of no use"],
      [["--from", store.configPath], 2, "not another one"],
      [["--from", `${whole.configPath}.none`], 10, "there is no such file"],
    ];
    for (const [args, expected, words] of runs) {
      const { exitCode, stdout, stderr } = await runRegistryCtl(repairOf(store, "--dry-run", ...args));
      expect(exitCode, args.join(" ")).toBe(expected);
      expect(stderr).toContain(words);
      expect(stderr).not.toContain("hunter2");
      expect(stdout).toBe("");
    }
    const readOnly = await runRegistryCtl(["--read-only-store", ...repairOf(store, "--yes")]);
    expect(readOnly.exitCode).toBe(11);
  });
});

describe("verify --repair --from a registry", () => {
  it("fetches by digest what a registry of ours has, with a password from a file", {
    timeout: 60_000,
  }, async () => {
    const { store, whole, sound } = await damagedStore();
    const passwords = `${whole.rootDirectory}.htpasswd`;
    writeFileSync(passwords, "me:$2y$05$c4WoMPo3SXsafkva.HHa6uXQZWr7oboPiC2bT/r7q1BB8I2s0BRqC\n");
    const server = await startServe({
      rootDirectory: whole.rootDirectory,
      moreConfig: `auth:\n  htpasswd:\n    realm: tests\n    path: ${passwords}\n`,
    });
    onTestFinished(() => server.kill());
    const args = repairOf(store, "--yes", "--from", server.url);
    const denied = await runRegistryCtl(args);
    expect(denied.exitCode).toBe(4);
    expect(denied.stdout).toContain("does not let us pull from group/app (401)");

    const auth = `${whole.rootDirectory}.auth.json`;
    const entry = { auth: Buffer.from("me:myPassword").toString("base64") };
    writeFileSync(auth, JSON.stringify({ auths: { [new URL(server.url).host]: entry } }));
    const { stdout, stderr, exitCode } = await runRegistryCtl([
      ...args.slice(0, -1),
      "--auth-file",
      auth,
      store.configPath,
    ]);
    expect(exitCode, stdout + stderr).toBe(0);
    expect(await contentsOf(store.driver)).toEqual(sound);
  });
});

describeWithPrograms(["docker-registry"], "verify --repair --from the Go registry", () => {
  it("makes every tag pull again", { timeout: 60_000 }, async () => {
    const { store, whole, sound } = await damagedStore();
    const go = await startGoRegistry({ rootDirectory: whole.rootDirectory });
    onTestFinished(() => void go.stop());
    const { stderr, exitCode } = await runRegistryCtl(repairOf(store, "--yes", "--from", go.url));
    expect(exitCode, stderr).toBe(0);
    expect(await contentsOf(store.driver)).toEqual(sound);
  });
});
