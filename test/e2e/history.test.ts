import { spawn } from "node:child_process";
import { once } from "node:events";
import { chmod, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { chooseStateFolder } from "../../src/state/state-folder.ts";
import { findFreePort } from "../support/free-port.ts";
import { fillDisk } from "../support/full-disk.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeAsRoot, describeWithPrograms } from "../support/programs.ts";
import { RegistryHttp } from "../support/registry-http.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import {
  REGISTRY_CTL_PATH,
  type ServeOptions,
  type ServeProcess,
  startServe,
} from "../support/serve-process.ts";
import { startServerProcess } from "../support/server-process.ts";
import { mountSmallDisk } from "../support/small-disk.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A running registry with a state folder of its own. */
interface Audited {
  server: ServeProcess;
  client: RegistryHttp;
  stateDir: string;
  /** Runs `history` for it. */
  history: (...args: string[]) => ReturnType<typeof runRegistryCtl>;
  entries: (...args: string[]) => Promise<Record<string, unknown>[]>;
}

async function startAudited(options: Partial<ServeOptions> = {}): Promise<Audited> {
  const rootDirectory = options.rootDirectory ?? join(await temporaryFolder(), "registry");
  const server = await startServe({ rootDirectory, ...options });
  const client = new RegistryHttp(server.url);
  onTestFinished(async () => {
    client.close();
    await server.stop();
  });
  const stateDir = `${rootDirectory}.state`;
  const history = (...args: string[]) =>
    runRegistryCtl(["history", ...args, "--state-dir", stateDir, server.configPath]);
  const entries = async (...args: string[]) => {
    const { stdout, exitCode } = await history("--json", ...args);
    expect(exitCode).toBe(0);
    return JSON.parse(stdout).entries;
  };
  return { server, client, stateDir, history, entries };
}

async function push(client: RegistryHttp, repository: string, tag: string, byte: number): Promise<string> {
  return (await client.pushImage(repository, tag, [Buffer.alloc(100, byte)])).manifestDigest;
}

async function remove(client: RegistryHttp, path: string, headers = {}): Promise<void> {
  expect((await client.send("DELETE", path, { headers })).status).toBe(202);
}

describe("history", () => {
  it("says that nothing is known, and needs neither a server nor a store", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    await writeFile(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/none\n`);
    const { stdout, stderr, exitCode } = await runRegistryCtl(["history", "--state-dir", folder, config]);
    expect({ stdout, exitCode }).toEqual({ stdout: "nothing is known", exitCode: 0 });
    expect(stderr).toBe(`config: ${config}\nstore:  filesystem ${folder}/none`);
  });

  it("tells who overwrote and deleted what over HTTP, and by command, in one list", async () => {
    const folder = await temporaryFolder();
    const users = join(folder, "htpasswd");
    const rootDirectory = join(folder, "registry");
    const state = ["--state-dir", `${rootDirectory}.state`];
    const added = await runRegistryCtl(
      ["users", "add", "--generate", "--cost", "4", "--json", "--file", users, ...state, "alice"],
      { env: { SUDO_USER: "carol" } },
    );
    const { password } = JSON.parse(added.stdout);
    const moreConfig = `auth:\n  htpasswd:\n    realm: ours\n    path: ${users}\n`;
    const { server, history, entries } = await startAudited({ rootDirectory, moreConfig });
    const base = new URL(server.url);
    const authorization = `Basic ${Buffer.from(`alice:${password}`).toString("base64")}`;
    const client = new RegistryHttp(base.href);
    const send = client.send.bind(client);
    client.send = (method, path, options = {}) =>
      send(method, path, { ...options, headers: { ...options.headers, authorization } });
    onTestFinished(() => client.close());

    const first = await push(client, "group/app", "v1", 1);
    const second = await push(client, "group/app", "v1", 2);
    await remove(client, "/v2/group/app/manifests/v1");
    await remove(client, `/v2/group/app/manifests/${second}`, { "x-forwarded-for": "203.0.113.7" });

    const all = await entries();
    expect(all).toMatchObject([
      { source: "command", command: "users add", target: users, summary: "user alice", outcome: "done" },
      { action: "tag-overwrite", repository: "group/app", tag: "v1", before: first, after: second },
      { action: "tag-delete", repository: "group/app", tag: "v1", before: second, actor: "alice" },
      { action: "manifest-delete", before: second, address: "127.0.0.1", forwardedFor: "203.0.113.7" },
    ]);
    expect(all[0]?.["actor"]).toMatchObject({ sudoUser: "carol" });
    expect(JSON.stringify(all)).not.toContain(password);

    expect(await entries("--actor", "carol")).toHaveLength(1);
    expect(await entries("--repository", "group", "--tag", "v1")).toHaveLength(2);
    expect(await entries("--until", "1h")).toEqual([]);
    expect(await entries("--since", "1h", "--limit", "2")).toHaveLength(2);

    const { stdout, stderr, exitCode } = await history("--limit", "2", "--quiet");
    const lines = stdout.split("\n").map((line) => line.replace(/\s{2,}/g, " | "));
    expect(exitCode).toBe(0);
    expect(stderr).toBe("");
    expect(lines).toEqual([
      "TIME | WHO | WHAT | OF | HOW",
      expect.stringMatching(
        /^[\dT:-]+Z \| alice \| tag deleted \| group\/app:v1 \| was sha256:[0-9a-f]{64}, from 127/,
      ),
      expect.stringMatching(
        / \| alice \| manifest deleted \| group\/app \| sha256:[0-9a-f]{64}, from 203.0.113.7 by/,
      ),
    ]);
    expect((await history("--limit", "2")).stderr).toContain("there are older entries: see --limit");

    // What was deleted can be set again.
    const { before } = (await entries("--tag", "v1")).at(-1) ?? {};
    expect(before).toBe(second);
  });

  it("has what was acknowledged, also if the server is killed", async () => {
    const { server, client, entries } = await startAudited();
    await push(client, "a", "v1", 1);
    await remove(client, "/v2/a/manifests/v1");
    await server.kill();
    expect(await entries()).toMatchObject([{ action: "tag-delete", tag: "v1" }]);
  });

  it("knows of a command that was killed", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    await writeFile(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/none\n`);
    const child = spawn(
      process.execPath,
      [REGISTRY_CTL_PATH, "keys", "generate", "--key", "k", "--certificate", "c", "--state-dir", folder],
      { cwd: folder, env: cleanEnvironment(), stdio: ["ignore", "ignore", "pipe"] },
    );
    const ended = once(child, "exit");
    await once(child.stderr, "data");
    child.kill("SIGKILL");
    await ended;
    const { stdout } = await runRegistryCtl(["history", "--state-dir", folder, config]);
    expect(stdout).toMatch(/keys generate +\S+\/k +its end is not known: still running, or killed$/);
  });

  it("counts what was changed in words that fit one and many", async () => {
    const { server, stateDir, history } = await startAudited();
    const { configPath } = server;
    const before = await readFile(configPath, "utf8");
    await writeFile(configPath, before.replace("level: warn", "level: info"));
    const where = ["--state-dir", stateDir, configPath];
    expect((await runRegistryCtl(["reload", ...where])).exitCode).toBe(0);
    await writeFile(configPath, before);
    expect((await runRegistryCtl(["reconfigure", "--yes", ...where])).exitCode).toBe(0);
    const { stdout } = await history();
    expect(stdout).toContain("now 1 key changed; make the server read its configuration again");
    expect(stdout).toContain("apply the configuration: 1 key, 0 files");
  });

  it("tells how a command failed, and nothing of dry runs and of what was never begun", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    await writeFile(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/none\n`);
    const state = ["--state-dir", folder];
    await runRegistryCtl(["keys", "generate", "--dry-run", ...state], { cwd: folder });
    await runRegistryCtl(["users", "remove", "nobody", "--yes", "--file", "none", ...state], { cwd: folder });
    await mkdir(join(folder, "none/docker/registry/lockfiles/registry-ctl.lock"), { recursive: true });
    const failed = await runRegistryCtl(["uploads", "purge", config, ...state]);
    expect(failed.exitCode).not.toBe(0);
    const { stdout } = await runRegistryCtl(["history", "--json", config, ...state]);
    expect(JSON.parse(stdout).entries).toMatchObject([
      { command: "uploads purge", outcome: "failed", exitCode: failed.exitCode, message: expect.any(String) },
    ]);
  });

  it("refuses what is no time or number, and says what is damaged", async () => {
    const { server, client, stateDir, history } = await startAudited();
    for (const wrong of [
      ["--since", "yesterday"],
      ["--limit", "-1"],
    ]) {
      const { stdout, stderr, exitCode } = await history(...wrong);
      expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
      expect(stderr).toMatch(/^error: /);
    }
    await push(client, "a", "v1", 1);
    await remove(client, "/v2/a/manifests/v1");
    await server.stop();
    const { stdout: found } = await execa("find", [stateDir, "-name", "audit.jsonl"]);
    await writeFile(found, '{"torn', { flag: "a" });
    const { stdout, stderr, exitCode } = await history("--quiet");
    expect(stdout).toContain("tag deleted");
    expect({ stderr, exitCode }).toEqual({ stderr: "warning: 1 damaged line is left out", exitCode: 3 });
    expect((await readFile(found)).length).toBeGreaterThan(100);
  });
});

describe("a long history", () => {
  const COUNT = 50_000;

  /** @returns what `history` prints in a process with little memory, of an audit that is longer than that */
  async function tellAll(...args: string[]) {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    await writeFile(config, `version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: ${folder}/none\n`);
    const storeLocation = `filesystem:${folder}/none`;
    const user = { uid: 0, home: folder, env: {} };
    const audit = join(chooseStateFolder({ stateDir: folder, storeLocation, user }), "audit");
    await mkdir(audit, { recursive: true });
    const lines = Array.from({ length: COUNT }, (_, index) =>
      JSON.stringify({
        ...{ schemaVersion: 1, time: new Date(index * 1000).toISOString(), action: "tag-overwrite" },
        ...{ repository: `group/app-${index % 2}`, tag: `v${index}`, before: `sha256:${"1".repeat(64)}` },
        ...{ actor: "alice", address: "127.0.0.1", userAgent: "docker/27.0 ".repeat(10) },
      }),
    );
    await writeFile(join(audit, "audit.jsonl"), `${lines.join("\n")}\n`);
    const node = [...["--max-old-space-size=32", REGISTRY_CTL_PATH], ...["history", "--state-dir", folder]];
    const output = join(folder, "output");
    const { exitCode, stderr } = await execa(process.execPath, [...node, "--quiet", ...args, config], {
      ...{ stdin: "ignore", stdout: { file: output }, reject: false, env: cleanEnvironment() },
      extendEnv: false,
    });
    expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
    return readFile(output, "utf8");
  }

  it.each([
    [["--limit", "0"], COUNT],
    [["--limit", "0", "--repository", "group/app-1", "--actor", "alice", "--since", "1970-01-01"], COUNT / 2],
  ])("is told with %j without being held in memory", async (args, count) => {
    const lines = (await tellAll(...args)).trimEnd().split("\n");
    expect(lines).toHaveLength(count + 1);
    expect(lines.at(-1)).toContain(`:v${COUNT - 1} `);
  });

  it("is told as JSON without being held in memory", async () => {
    const { entries, hasMore } = JSON.parse(await tellAll("--limit", "0", "--json"));
    expect({ count: entries.length, hasMore }).toEqual({ count: COUNT, hasMore: false });
    expect(entries.at(-1)).toMatchObject({ tag: `v${COUNT - 1}`, source: "server" });
  });
});

describeWithPrograms(["script"], "history on a terminal", () => {
  it("prints the same there", async () => {
    const { server, client, stateDir, history } = await startAudited();
    await push(client, "a", "v1", 1);
    await remove(client, "/v2/a/manifests/v1");
    const { shown } = await runOnTerminal(["history", server.configPath, "--state-dir", stateDir]);
    const plain = await history();
    expect(shown).toContain(plain.stdout);
  });
});

describeAsRoot("the audit on a full disk", () => {
  it("fails no request, is told once, and goes on when there is room", async () => {
    const disk = mountSmallDisk("size=1m");
    if (disk === undefined) return;
    onTestFinished(() => disk.unmount());
    const rootDirectory = join(await temporaryFolder(), "registry");
    await mkdir(`${rootDirectory}.state`);
    await execa("mount", ["--bind", disk.path, `${rootDirectory}.state`]);
    onTestFinished(async () => void (await execa("umount", ["-l", `${rootDirectory}.state`])));
    const { server, client, entries } = await startAudited({ rootDirectory, workers: 1 });
    fillDisk(disk.path, "bytes");
    for (const tag of ["v1", "v2", "v3"]) {
      await push(client, "a", tag, 1);
      await remove(client, `/v2/a/manifests/${tag}`);
    }
    await execa("rm", [join(disk.path, "ballast")]);
    await push(client, "a", "v4", 1);
    await remove(client, "/v2/a/manifests/v4");
    await vi.waitFor(
      async () => expect((await entries()).map(({ tag }) => tag)).toEqual(["v1", "v2", "v3", "v4"]),
      { timeout: 60_000, interval: 500 },
    );
    const told = server.output.stderr
      .split("\n")
      .filter((line) => line.includes("the audit cannot be written"));
    expect(told).toHaveLength(1);
  });
});

describeAsRoot("history on a GitLab host", () => {
  it("is read by root, written by the registry's user, and has the commands of root", async () => {
    const port = await findFreePort();
    const host = makeOmnibusHost({ addr: `127.0.0.1:${port}`, withoutAuth: true });
    onTestFinished(() => host.remove());
    const stateDir = await temporaryFolder();
    await chmod(stateDir, 0o755);
    const options = [host.configFile, "--env-from", host.envFolder, "--state-dir", stateDir];
    const server = await startServerProcess([process.execPath, REGISTRY_CTL_PATH, "serve", ...options], {
      port,
      env: { XDG_RUNTIME_DIR: stateDir },
    });
    onTestFinished(async () => void (await server.stop()));
    const client = new RegistryHttp(server.url);
    onTestFinished(() => client.close());
    const digest = await push(client, "group/app", "v1", 1);
    await push(client, "group/app", "v1", 2);
    await runRegistryCtl(["uploads", "purge", ...options], { env: { SUDO_USER: "alice" } });

    const { stdout, exitCode } = await runRegistryCtl(["history", "--json", ...options]);

    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout).entries).toMatchObject([
      { action: "tag-overwrite", repository: "group/app", before: digest },
      {
        command: "uploads purge",
        outcome: "done",
        target: host.storageRoot,
        actor: { uid: 0, sudoUser: "alice" },
      },
    ]);
    const { stdout: audit } = await execa("find", [stateDir, "-name", "audit.jsonl"]);
    expect(await stat(audit)).toMatchObject({ uid: host.ownerId });
    const journal = await stat(join(stateDir, "journal.jsonl"));
    expect([journal.uid, journal.mode & 0o777]).toEqual([0, 0o600]);
  });
});
