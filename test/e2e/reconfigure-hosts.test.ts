import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it, onTestFinished } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeAsRoot, describeWithPrograms, programPath } from "../support/programs.ts";
import { startRegistryService } from "../support/registry-service.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, startServe } from "../support/serve-process.ts";
import { startServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

describeWithPrograms(["docker-registry"], "reconfigure and a Go registry under a service", () => {
  async function go() {
    const folder = await temporaryFolder();
    const service = await startRegistryService(folder);
    const ctl = ["--ctl-config", join(folder, "ctl.yml"), "--state-dir", join(folder, "state")];
    const reconfigure = (...args: string[]) =>
      runRegistryCtl(["reconfigure", ...ctl, "--timeout", "20s", ...args, service.configPath]);
    const change = (from: string, to: string): void => {
      const text = readFileSync(service.configPath, "utf8");
      expect(text).toContain(from);
      writeFileSync(service.configPath, text.replace(from, to));
    };
    return { folder, service, reconfigure, change };
  }

  it("restarts it, and remembers what it serves with and by what it is run", async () => {
    const { service, reconfigure, change } = await go();
    const first = await reconfigure("--yes", "--service", service.spec);
    expect(first.exitCode, first.stderr).toBe(0);
    expect(first.stdout).toBe("restarted: the registry serves with it");
    expect(service.starts()).toBe(2);
    const second = await reconfigure();
    expect({ stdout: second.stdout, exitCode: second.exitCode }, second.stderr).toEqual({
      stdout: "nothing to change",
      exitCode: 0,
    });
    change("level: warn", "level: info");
    const { stdout } = await reconfigure("--dry-run");
    expect(stdout).toMatch(/^log\.level +warn +info +at a stop and start$/m);
    expect(service.starts()).toBe(2);
    expect((await reconfigure("--yes")).stdout).toBe("restarted: the registry serves with it");
    expect(service.starts()).toBe(3);
  });

  it("starts it with its old configuration where it does not serve with the new one, and keeps that", async () => {
    const { folder, service, reconfigure } = await go();
    await reconfigure("--yes", "--service", service.spec);
    const old = readFileSync(service.configPath, "utf8");
    // Ours does not look into it before a token comes; the Go registry ends.
    const bundle = join(folder, "issuer.crt");
    writeFileSync(bundle, "no certificate\n");
    const text = `${old}auth:\n  token: {realm: "http://x/", service: s, issuer: i, rootcertbundle: ${bundle}}\n`;
    writeFileSync(service.configPath, text);
    chmodSync(service.configPath, 0o640);
    const { stdout, stderr, exitCode } = await reconfigure("--yes", "--timeout", "8s");
    expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain("the registry does not serve with the new configuration");
    expect(stderr).toContain("it serves with the old one again");
    const kept = /the new one is kept in (\S+)/.exec(stderr)?.[1] ?? "";
    expect(readFileSync(kept, "utf8")).toBe(text);
    expect(statSync(kept).mode & 0o777).toBe(0o640);
    expect(readFileSync(service.configPath, "utf8")).toBe(old);
    expect((await fetch(`${service.url}/v2/`)).status).toBe(200);
  });

  it("is refused without a service, with what would help", async () => {
    const { service, reconfigure } = await go();
    const { stdout, stderr, exitCode } = await reconfigure("--yes");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 12 });
    expect(stderr).toContain(`process id ${service.pid()} `);
    expect(stderr).toContain("--service");
    expect(service.starts()).toBe(1);
  });
});

it("tells why a service does not serve, also where a file cannot be taken back", async () => {
  const folder = await temporaryFolder();
  const root = await temporaryFolder();
  const config = join(folder, "config.yml");
  writeFileSync(config, `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\n`);
  const site = join(root, "etc/nginx/conf.d/registry.conf");
  const script = join(folder, "service.sh");
  writeFileSync(script, `[ "$1" = restart ] || exit 0\necho '# mine' >>'${site}'\necho broken >&2\nexit 1\n`);
  const args = [
    "reconfigure",
    "--yes",
    "--timeout",
    "1s",
    "--write",
    "nginx,logrotate",
    "--prefix-dir",
    root,
  ];
  const service = ["--service", `command:sh ${script} {}`, "--ctl-config", join(folder, "ctl.yml")];
  const state = ["--state-dir", join(folder, "state")];
  const { stdout, stderr, exitCode } = await runRegistryCtl([...args, ...service, ...state, config]);
  expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 1 });
  expect(stderr).toContain("the registry does not serve with the new configuration");
  expect(stderr).toContain(`warning: what was written stays: somebody else has changed ${site} meanwhile`);
  expect(readFileSync(site, "utf8")).toMatch(/# mine\n$/);
  expect(existsSync(join(root, "etc/logrotate.d/registry-ctl"))).toBe(false);
});

describeWithPrograms(["nginx"], "the site that reconfigure writes for nginx", () => {
  it("leads clients to the registry, which answers with nginx's address", async () => {
    const folder = await temporaryFolder();
    const port = await findFreePort();
    const host = `http://localhost:${port}`;
    const rootDirectory = join(folder, "store");
    mkdirSync(rootDirectory);
    const server = await startServe({ rootDirectory, moreConfig: `  host: ${host}\n` });
    onTestFinished(async () => void (await server.stop()));
    const args = ["reconfigure", "--write", "nginx", "--prefix-dir", folder, "--yes"];
    const { exitCode, stderr } = await runRegistryCtl([
      ...args,
      "--state-dir",
      `${rootDirectory}.state`,
      server.configPath,
    ]);
    expect(exitCode, stderr).toBe(0);
    writeFileSync(
      join(folder, "nginx.conf"),
      `daemon off; pid ${folder}/nginx.pid; error_log stderr warn; events {}
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s; include ${folder}/etc/nginx/conf.d/*.conf; }
`,
    );
    const command = [
      programPath("nginx"),
      "-e",
      "stderr",
      "-p",
      folder,
      "-c",
      join(folder, "nginx.conf"),
    ] as const;
    const nginx = await startServerProcess([...command], { port });
    onTestFinished(async () => void (await nginx.stop()));
    const response = await fetch(`${host}/v2/a/blobs/uploads/`, { method: "POST" });
    expect(response.status).toBe(202);
    expect(response.headers.get("location")).toMatch(new RegExp(`^${host}/v2/a/blobs/uploads/`));
  });
});

it("warns of certificates that nginx would not find, and takes those that are named", async () => {
  const folder = await temporaryFolder();
  const config = join(folder, "config.yml");
  writeFileSync(
    config,
    `version: 0.1\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: ":5000", host: "https://r.example.com"}\n`,
  );
  const args = ["reconfigure", "--write", "nginx", "--prefix-dir", folder, "--dry-run"];
  const missing = await runRegistryCtl([...args, config]);
  expect(missing.exitCode).toBe(0);
  expect(missing.stderr).toContain(
    "warning: nginx will not start without /etc/nginx/ssl/r.example.com.crt and /etc/nginx/ssl/r.example.com.key",
  );
  const named = await runRegistryCtl([...args, "--nginx-certificate", config, "--nginx-key", config, config]);
  expect(named.stderr).not.toContain("warning");
  expect(named.stdout).toContain(`ssl_certificate ${config};`);
});

describeAsRoot("reconfigure as root", () => {
  it("writes nothing on a host with GitLab's package, and applies what the package has written", async () => {
    const port = await findFreePort();
    const host = makeOmnibusHost({ withoutAuth: true, addr: `127.0.0.1:${port}` });
    onTestFinished(() => host.remove());
    const state = await temporaryFolder();
    // The registry's user has to come to its own folder in it.
    chmodSync(state, 0o755);
    const env = { XDG_RUNTIME_DIR: state };
    const common = ["--state-dir", state, host.configFile];
    for (const asked of [["--write", "nginx"], ["--write", "cron"], ["--generate-keys"]]) {
      const { stdout, stderr, exitCode } = await runRegistryCtl(
        ["reconfigure", "--yes", ...asked, ...common],
        { env },
      );
      expect({ stdout, exitCode }, stderr).toEqual({ stdout: "", exitCode: 12 });
      expect(stderr).toContain(`hint: change ${host.gitlabRb} and run gitlab-ctl reconfigure`);
    }
    const server = await startServerProcess(
      [process.execPath, REGISTRY_CTL_PATH, "serve", "--workers", "1", ...common],
      { port, env },
    );
    onTestFinished(async () => void (await server.stop()));
    const before = statSync(host.configFile);
    const text = readFileSync(host.configFile, "utf8").replace("level: info", "level: debug");
    writeFileSync(host.configFile, text);
    const { stdout, stderr, exitCode } = await runRegistryCtl(["reconfigure", "--yes", ...common], { env });
    expect(exitCode, stderr).toBe(0);
    expect(stderr).toMatch(/log\.level +info +debug +live/);
    expect(stdout).toBe(`applied: process ${server.pid} is well with it`);
    expect(statSync(host.configFile)).toMatchObject({ ino: before.ino, uid: before.uid, mode: before.mode });
    expect(readFileSync(host.configFile, "utf8")).toBe(text);
  });

  it("writes a unit that runs as the owner of the store", async () => {
    const folder = await temporaryFolder();
    const store = join(folder, "store");
    mkdirSync(store);
    chownSync(store, 990, 991);
    const config = join(folder, "etc/config.yml");
    mkdirSync(join(folder, "etc"));
    writeFileSync(
      config,
      `version: 0.1\nstorage: {filesystem: {rootdirectory: ${store}}}\nhttp: {addr: ":80"}\n`,
    );
    const args = ["reconfigure", "--write", "systemd", "--prefix-dir", folder, "--yes", config];
    const { exitCode, stderr } = await runRegistryCtl(args);
    expect(exitCode, stderr).toBe(0);
    const unit = readFileSync(join(folder, "etc/systemd/system/registry-ctl.service"), "utf8");
    expect(unit).toContain("User=990\nGroup=991\n");
    // As the file is called on the host that the folder stands for.
    expect(unit).toMatch(/^ExecStart=\S+ \S+ serve .*\/etc\/config\.yml$/m);
    expect(unit).toContain("AmbientCapabilities=CAP_NET_BIND_SERVICE\n");
    expect(readdirSync(join(folder, "etc/systemd/system"))).toEqual(["registry-ctl.service"]);
  });
});

describeWithPrograms(["logrotate"], "the file that reconfigure writes for logrotate", () => {
  it("cuts the log of a running server to nothing, and keeps what was in it", async () => {
    const folder = await temporaryFolder();
    const state = join(folder, "state");
    const config = join(folder, "config.yml");
    const port = await findFreePort();
    mkdirSync(join(folder, "store"));
    writeFileSync(
      config,
      `version: 0.1\nlog: {level: info}\nstorage: {filesystem: {rootdirectory: ${folder}/store}}\nhttp: {addr: "127.0.0.1:${port}"}\n`,
    );
    const env = { XDG_RUNTIME_DIR: folder };
    const run = (...args: string[]) => runRegistryCtl([...args, "--state-dir", state, config], { env });
    expect((await run("start", "--workers", "1")).exitCode).toBe(0);
    onTestFinished(async () => void (await run("stop")));
    const { exitCode, stderr } = await run(
      "reconfigure",
      "--write",
      "logrotate",
      "--prefix-dir",
      folder,
      "--yes",
    );
    expect(exitCode, stderr).toBe(0);
    const [name = ""] = readdirSync(state).filter((each) => existsSync(join(state, each, "serve.log")));
    const log = join(state, name, "serve.log");
    await fetch(`http://127.0.0.1:${port}/v2/`);
    const before = readFileSync(log, "utf8");
    expect(before).not.toBe("");
    const file = join(folder, "etc/logrotate.d/registry-ctl");
    await execa(programPath("logrotate"), ["--force", "--state", join(folder, "logrotate.state"), file]);
    expect(readFileSync(`${log}.1`, "utf8")).toContain(before);
    await fetch(`http://127.0.0.1:${port}/v2/_catalog`);
    const after = readFileSync(log, "utf8");
    expect(after.startsWith("\0")).toBe(false);
    expect(after.length).toBeLessThan(before.length + 2000);
  });
});
