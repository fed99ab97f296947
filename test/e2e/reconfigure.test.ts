import { once } from "node:events";
import { existsSync, mkdirSync, readdirSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { get } from "node:http";
import { join } from "node:path";
import { execa } from "execa";
import { describe, expect, it, onTestFinished } from "vitest";
import { describeWithPrograms } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { cleanEnvironment, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** A running server, and `reconfigure` for its configuration. */
async function running(moreConfig = "") {
  const folder = await temporaryFolder();
  const runtime = await temporaryFolder();
  const rootDirectory = join(folder, "store");
  mkdirSync(rootDirectory);
  const env = { XDG_RUNTIME_DIR: runtime };
  const server = await startServe({ rootDirectory, moreConfig, env });
  onTestFinished(async () => void (await server.stop()));
  const { configPath } = server;
  const state = ["--state-dir", `${rootDirectory}.state`];
  return {
    server,
    folder,
    rootDirectory,
    configPath,
    env,
    args: (...more: string[]) => ["reconfigure", ...state, ...more, configPath],
    reconfigure: (...more: string[]) =>
      runRegistryCtl(["reconfigure", ...state, ...more, configPath], { env }),
    status: async () => {
      const { stdout } = await runRegistryCtl(["status", "--json", ...state, configPath], { env });
      return JSON.parse(stdout);
    },
    change: (from: string, to: string) => {
      const text = readFileSync(configPath, "utf8");
      expect(text).toContain(from);
      writeFileSync(configPath, text.replace(from, to));
    },
    add: (text: string) => writeFileSync(configPath, text, { flag: "a" }),
  };
}

/** Asks on a connection of its own: one that is open still has an answer of the worker before. */
async function freshStatus(url: string): Promise<number | undefined> {
  const [response] = await once(get(url, { agent: false }), "response");
  response.resume();
  return response.statusCode;
}

describe("reconfigure", () => {
  it("shows by which keys the file differs, and changes nothing in a dry run", async () => {
    const { change, add, reconfigure } = await running();
    change("level: warn", "level: debug");
    add("  secret: open-sesame\n  relativeurls: true\n");
    const { stdout, stderr, exitCode } = await reconfigure("--dry-run");
    expect(exitCode, stderr).toBe(0);
    expect(stdout.split("\n")).toEqual([
      expect.stringMatching(/^KEY +IN THE SERVER +IN THE FILE +TAKES EFFECT$/),
      expect.stringMatching(/^log\.level +warn +debug +live$/),
      expect.stringMatching(/^http\.secret +\S* *\*\*\* +with new workers$/),
      expect.stringMatching(/^http\.relativeurls +false +true +with new workers$/),
      "",
      "nothing was changed (dry run)",
    ]);
    expect(`${stdout}${stderr}`).not.toContain("open-sesame");
    const again = await reconfigure("--dry-run", "--json");
    expect(JSON.parse(again.stdout)).toMatchObject({
      schemaVersion: 1,
      command: "reconfigure",
      dryRun: true,
      server: "ours",
      compared: true,
      outcome: "would-change",
      replaced: true,
      pending: [],
      changed: [{ key: "log.level", from: "warn", to: "debug", applies: "live" }, {}, {}],
    });
  });

  it("makes the server take the file without dropping a request, and has nothing to do the second time", async () => {
    const { server, add, reconfigure, status } = await running();
    add("  relativeurls: true\n");
    let isOver = false;
    const answers: number[] = [];
    const clients = [1, 2, 3, 4].map(async () => {
      while (!isOver) answers.push((await fetch(`${server.url}/v2/`)).status);
    });
    const before = await status();
    const { stdout, stderr, exitCode } = await reconfigure("--yes");
    isOver = true;
    await Promise.all(clients);
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toBe(
      `applied: process ${server.pid} is well with it, with new workers; no request was dropped`,
    );
    expect(answers.length).toBeGreaterThan(10);
    expect(new Set(answers)).toEqual(new Set([200]));
    const headers = { Connection: "close" };
    await fetch(`${server.url}/v2/`, { headers });
    const started = await fetch(`${server.url}/v2/a/b/blobs/uploads/`, { method: "POST" });
    expect(started.headers.get("location")).toMatch(/^\/v2\//);
    const after = await status();
    expect(after.server.pid).toBe(before.server.pid);
    const again = await reconfigure();
    expect({ stdout: again.stdout, exitCode: again.exitCode }).toEqual({
      stdout: `nothing to change: process ${server.pid} uses what the configuration says`,
      exitCode: 0,
    });
  });

  it("changes nothing if the file is wrong, and says where", async () => {
    const { server, configPath, add, reconfigure } = await running();
    add("  relativeurls: perhaps\n");
    const { stdout, stderr, exitCode } = await reconfigure("--yes");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 10 });
    expect(stderr).toMatch(new RegExp(`error: ${configPath}:\\d+:17: `));
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  it("wants --yes without a terminal", async () => {
    const { change, reconfigure, status } = await running();
    change("level: warn", "level: debug");
    const { stdout, stderr, exitCode } = await reconfigure();
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain("Apply this to the running server?");
    expect((await status()).server.logLevel).toBe("warn");
  });

  it("leaves alone what takes effect only at a start, and says so", async () => {
    const { server, change, reconfigure } = await running();
    change(server.address, "127.0.0.1:1");
    const { stdout, stderr, exitCode } = await reconfigure();
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toBe(
      `nothing that process ${server.pid} could take while it runs\nonly when the server is stopped and started: http.addr`,
    );
  });

  it("gives the server its old settings back if it is not well with the new ones", async () => {
    const { server, rootDirectory, add, reconfigure, status, configPath } = await running();
    const { settingsDigest } = (await status()).server;
    add("  relativeurls: true\n");
    const text = readFileSync(configPath, "utf8");
    // Whatever is asked of the store fails from now on.
    const registry = join(rootDirectory, "docker/registry/v2");
    mkdirSync(registry, { recursive: true });
    symlinkSync("repositories", join(registry, "repositories"));
    const { stdout, stderr, exitCode } = await reconfigure("--yes", "--timeout", "8s");
    expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toMatch(
      /error: the server was not well with the new configuration: not within 8 seconds: it answers 5\d\d [^;]+; it uses the old one again\nhint: put the file right/,
    );
    expect((await status()).server.settingsDigest).toBe(settingsDigest);
    expect(readFileSync(configPath, "utf8")).toBe(text);
    expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
  });

  it("refuses a file that the running server does not use", async () => {
    const { configPath, folder, env, rootDirectory } = await running();
    const other = join(folder, "other.yml");
    writeFileSync(other, readFileSync(configPath));
    const args = ["reconfigure", "--yes", "--state-dir", `${rootDirectory}.state`, other];
    const { stdout, stderr, exitCode } = await runRegistryCtl(args, { env });
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 12 });
    expect(stderr).toContain(`uses ${configPath}, and would not take ${other}`);
    expect(stderr).toContain(`hint: name that file: registry-ctl reconfigure ${configPath}`);
  });

  it("makes the pair of keys for tokens where it is asked to, and never unasked", async () => {
    const { server, folder, add, reconfigure } = await running();
    const certificate = join(folder, "issuer.crt");
    add(`auth:\n  token: {realm: "http://x/", service: s, issuer: i, rootcertbundle: ${certificate}}\n`);
    const refused = await reconfigure("--yes");
    expect({ stdout: refused.stdout, exitCode: refused.exitCode }).toEqual({ stdout: "", exitCode: 10 });
    expect(refused.stderr).toContain("give --generate-keys for a new pair");
    const dry = await reconfigure("--generate-keys", "--dry-run");
    expect(dry.stdout).toContain(`a new pair of keys: ${certificate}, ${join(folder, "issuer.key")}`);
    expect(existsSync(certificate)).toBe(false);
    const { stdout, stderr, exitCode } = await reconfigure("--yes", "--generate-keys");
    expect(exitCode, stderr).toBe(0);
    expect(stdout).toContain(`made: ${certificate}\nmade: ${join(folder, "issuer.key")}`);
    expect(await freshStatus(`${server.url}/v2/`)).toBe(401);
    const made = readFileSync(certificate);
    expect((await reconfigure("--yes", "--generate-keys")).stdout).toContain("nothing to change");
    expect(readFileSync(certificate)).toEqual(made);
  });

  it("leaves server and file whole wherever the command is killed", async () => {
    const { server, configPath, env, args, change, reconfigure } = await running();
    for (const [index, delayMs] of [150, 300, 450, 600].entries()) {
      change(
        index % 2 === 0 ? "level: warn" : "level: debug",
        index % 2 === 0 ? "level: debug" : "level: warn",
      );
      const text = readFileSync(configPath, "utf8");
      const command = execa(process.execPath, [REGISTRY_CTL_PATH, ...args("--yes")], {
        env: { ...cleanEnvironment(), ...env },
        extendEnv: false,
        reject: false,
        stdin: "ignore",
      });
      await new Promise((resolve) => setTimeout(resolve, delayMs));
      command.kill("SIGKILL");
      await command;
      expect(readFileSync(configPath, "utf8")).toBe(text);
      expect((await fetch(`${server.url}/v2/`)).status).toBe(200);
    }
    const { exitCode, stderr } = await reconfigure("--yes");
    expect(exitCode, stderr).toBe(0);
  });
});

describe("reconfigure without a server", () => {
  it("checks the file, writes what was asked for, and says that nothing runs", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    const root = join(folder, "root");
    writeFileSync(
      config,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: ":5000"}\n`,
    );
    const args = ["reconfigure", "--write", "systemd,cron,logrotate,nginx", "--prefix-dir", root];
    const dry = await runRegistryCtl([...args, "--dry-run", config]);
    expect(dry.exitCode, dry.stderr).toBe(0);
    for (const name of ["systemd/system/registry-ctl.service", "cron.d/registry-garbage-collect"]) {
      expect(dry.stdout).toContain(`--- /dev/null\n+++ ${root}/etc/${name}\n`);
    }
    expect(existsSync(root)).toBe(false);
    const { stdout, stderr, exitCode } = await runRegistryCtl([...args, "--yes", config]);
    expect(exitCode, stderr).toBe(0);
    expect(stdout.split("\n")).toEqual([
      `written: ${root}/etc/nginx/conf.d/registry.conf`,
      `written: ${root}/etc/systemd/system/registry-ctl.service`,
      `written: ${root}/etc/cron.d/registry-garbage-collect`,
      `written: ${root}/etc/logrotate.d/registry-ctl`,
      "no registry runs: it will take it when it is started",
      "now run:",
      "  nginx -t && nginx -s reload",
      "  systemctl daemon-reload",
      "  systemctl enable --now registry-ctl.service",
    ]);
    const again = await runRegistryCtl([...args, config]);
    expect({ stdout: again.stdout, exitCode: again.exitCode }).toEqual({
      stdout: "no registry runs: it will take it when it is started",
      exitCode: 0,
    });
  });

  it("keeps what somebody else has written beside the file, and says where; what it made itself it replaces", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    const site = join(folder, "root/etc/nginx/conf.d/registry.conf");
    mkdirSync(join(site, ".."), { recursive: true });
    writeFileSync(site, "# by hand\n");
    const store = `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\n`;
    writeFileSync(config, `${store}http: {addr: ":5000"}\n`);
    const args = ["reconfigure", "--yes", "--write", "nginx", "--prefix-dir", join(folder, "root"), config];
    const dry = await runRegistryCtl([...args, "--dry-run"]);
    expect(dry.stderr).toContain(
      `warning: ${site} was not made by registry-ctl: what is in it is kept beside it`,
    );
    expect(readdirSync(join(site, ".."))).toEqual(["registry.conf"]);

    const { stdout, stderr, exitCode } = await runRegistryCtl(args);

    expect(exitCode, stderr).toBe(0);
    const [, backup = ""] = /^what was there before: (.+)$/m.exec(stdout) ?? [];
    expect(backup).toMatch(/registry\.conf\.\d{8}T\d{6}Z\.bak~$/);
    expect(readFileSync(backup, "utf8")).toBe("# by hand\n");
    expect(readFileSync(site, "utf8")).toMatch(/^# Made by registry-ctl/);

    writeFileSync(config, `${store}http: {addr: ":5001"}\n`);
    const again = await runRegistryCtl(args);
    expect(again.exitCode, again.stderr).toBe(0);
    expect(again.stdout).not.toContain("what was there before");
    expect(readdirSync(join(site, ".."))).toHaveLength(2);
  });

  it("refuses what serve would refuse", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    writeFileSync(
      config,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nproxy: {remoteurl: "http://x"}\n`,
    );
    const { stdout, stderr, exitCode } = await runRegistryCtl(["reconfigure", "--yes", config]);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 10 });
    expect(stderr).toContain("--allow-unimplemented proxy");
    const allowed = await runRegistryCtl(["reconfigure", "--yes", "--allow-unimplemented", "proxy", config]);
    expect(allowed.exitCode, allowed.stderr).toBe(0);
  });

  it("gives files back what was in them if one cannot be written", async () => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    const root = join(folder, "root");
    mkdirSync(join(root, "etc/nginx/conf.d"), { recursive: true });
    writeFileSync(join(root, "etc/nginx/conf.d/registry.conf"), "# mine\n");
    writeFileSync(join(root, "etc/systemd"), "in the way\n");
    writeFileSync(
      config,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: ":5000"}\n`,
    );
    const args = ["reconfigure", "--yes", "--write", "nginx,systemd", "--prefix-dir", root, config];
    const { stdout, stderr, exitCode } = await runRegistryCtl(args);
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain("registry-ctl.service cannot be written");
    expect(readFileSync(join(root, "etc/nginx/conf.d/registry.conf"), "utf8")).toBe("# mine\n");
    expect(readdirSync(join(root, "etc/nginx/conf.d"))).toEqual(["registry.conf"]);
  });

  it.each([
    [["--write", "apache"], '"apache" is none of nginx, systemd, cron, logrotate'],
    [["--prefix-dir", "", "--write", "cron"], "--prefix-dir is empty"],
  ])("refuses %j", async (args, message) => {
    const folder = await temporaryFolder();
    const config = join(folder, "config.yml");
    writeFileSync(config, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\n`);
    const { stdout, stderr, exitCode } = await runRegistryCtl(["reconfigure", ...args, config]);
    expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 2 });
    expect(stderr).toContain(message);
  });
});

describeWithPrograms(["script"], "reconfigure on a terminal", () => {
  it("shows the difference, asks, and does as it is told", async () => {
    const { args, env, change, status, server } = await running();
    change("level: warn", "level: debug");
    const no = await runOnTerminal(args(), { answer: "n", env });
    expect(no.shown).toMatch(/log\.level +warn +debug +live/);
    expect(no.exitCode, no.shown).toBe(130);
    expect((await status()).server.logLevel).toBe("warn");
    const yes = await runOnTerminal(args(), { answer: "y", env });
    expect(yes.shown).toContain(`applied: process ${server.pid} is well with it`);
    expect(yes.exitCode).toBe(0);
    expect((await status()).server.logLevel).toBe("debug");
  });
});
