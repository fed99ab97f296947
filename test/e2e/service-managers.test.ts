import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { afterEach, expect, it } from "vitest";
import { type FakeSystemd, makeFakeSystemd } from "../support/fake-systemd.ts";
import { findFreePort } from "../support/free-port.ts";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeAsRoot, describeWithPrograms, missingPrograms, programPath } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "../support/serve-process.ts";
import { makeServiceWorld, type ServiceWorld } from "../support/service-world.ts";
import { SIGNING_CERTIFICATE, SIGNING_KEY } from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const UNIT = "docker-registry.service";

describeWithPrograms(["docker-registry"], "the Go registry as a unit of systemd", () => {
  let world: ServiceWorld;
  let systemd: FakeSystemd;

  async function makeWorld(): Promise<void> {
    systemd = makeFakeSystemd(await temporaryFolder());
    world = await makeServiceWorld({ moreEnv: { PATH: `${systemd.bin}:${process.env["PATH"]}` } });
    systemd.addUnit(UNIT, `${programPath("docker-registry")} serve ${world.config}`);
  }

  it("is started, and its unit remembered for all commands that follow", async () => {
    await makeWorld();
    const started = await world.run("start", "--service", "systemd:docker-registry");
    expect(started).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(`^started: process \\d+ by systemd:${UNIT}$`),
    });
    expect(started.stderr).toContain(`remembered in ${world.ctlConfig}: systemd:${UNIT}`);
    expect(readFileSync(world.ctlConfig, "utf8")).toBe(`config: ${world.config}\nservice: systemd:${UNIT}\n`);
    expect(await world.answer()).toBe(200);

    const status = await world.run("status");
    expect(status.exitCode).toBe(0);
    expect(status.stdout).toMatch(/^state: +running$/m);
    expect(status.stdout).toMatch(/^registry: +process \d+, .*docker-registry, since /m);
    expect(status.stdout).toMatch(new RegExp(`^service: +systemd unit ${UNIT}: running, process \\d+$`, "m"));
    expect(status.stdout).toMatch(/^read-only: +no: a write would be taken$/m);

    const again = await world.run("start");
    expect(again).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^runs already: process \d+$/),
    });
    const restarted = await world.run("restart");
    expect(restarted).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(`^restarted: process \\d+ by systemd:${UNIT}$`),
    });
    expect(await world.run("tail", "-n", "200")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining("listening on"),
    });
    expect(await world.run("reload")).toMatchObject({
      ...{ exitCode: 12, stdout: "" },
      stderr: expect.stringContaining("reads its configuration only at its start"),
    });
    const stopped = await world.run("stop");
    expect(stopped).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(`has ended \\(systemd:${UNIT}\\)$`),
    });
    expect(await world.answer()).toBeUndefined();
    expect(await world.run("status")).toMatchObject({
      exitCode: 3,
      stdout: expect.stringMatching(new RegExp(`^service: +systemd unit ${UNIT}: not running$`, "m")),
    });
  });

  it("tells that it is read-only, and that its file has changed since it was started", async () => {
    await makeWorld();
    world.configure("# later\n");
    const text = readFileSync(world.config, "utf8");
    const readOnly = "  maintenance:\n    readonly:\n      enabled: true\nhttp:";
    writeFileSync(world.config, text.replace("http:", readOnly));
    expect((await world.run("start", "--service", "systemd:docker-registry")).exitCode).toBe(0);
    // The system tells when a process was started only to a hundredth of a second, and files are as exact.
    await new Promise((resolve) => setTimeout(resolve, 1100));
    writeFileSync(world.config, text);
    const { stdout, exitCode } = await world.run("status");
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^read-only: +yes: a write was refused$/m);
    expect(stdout).toMatch(/^drift: .* was changed at .*, after process \d+ was started/m);
    await world.run("stop");
  });

  it("is asked with a token of ours whether it is read-only, where it wants to know who asks", async () => {
    await makeWorld();
    const key = join(world.folder, "registry.key");
    writeFileSync(key, SIGNING_KEY, { mode: 0o600 });
    writeFileSync(join(world.folder, "registry.crt"), SIGNING_CERTIFICATE);
    world.configure(`auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: omnibus-gitlab-issuer
    rootcertbundle: ${join(world.folder, "registry.crt")}
`);
    expect((await world.run("start", "--service", "systemd:docker-registry")).exitCode).toBe(0);
    const without = await world.run("status");
    expect(without).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^read-only: +unknown: .*--key$/m),
    });
    const withKey = await world.run("status", "--key", key);
    expect(withKey).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^read-only: +no: a write would be taken$/m),
    });
    await world.run("stop");
  });

  it("says with its journal why it does not serve", async () => {
    await makeWorld();
    systemd.addUnit(UNIT, "sh -c 'echo the certificate is missing; exit 1'");
    const { stdout, stderr, exitCode } = await world.run("start", "--service", "systemd:docker-registry");
    expect({ stdout, exitCode }).toEqual({ stdout: "", exitCode: 1 });
    expect(stderr).toContain("the certificate is missing");
    expect(existsSync(world.ctlConfig)).toBe(false);
    expect(await world.run("start", "--service", "systemd:other")).toMatchObject({
      ...{ exitCode: 1, stdout: "" },
      stderr: expect.stringContaining("there is no systemd unit other.service"),
    });
  });

  it("is left alone by those who were not told what runs it", async () => {
    await makeWorld();
    await world.run("start", "--service", "systemd:docker-registry");
    const others = { env: world.env };
    const beside = ["--state-dir", world.stateDir, "--ctl-config", join(world.folder, "other.yml")];
    for (const command of ["start", "stop", "restart"]) {
      const { exitCode, stderr } = await runRegistryCtl([command, world.config, ...beside], others);
      expect({ command, exitCode }).toEqual({ command, exitCode: 12 });
      expect(stderr).toContain("hint: ");
    }
    const { stdout, exitCode } = await runRegistryCtl(["status", world.config, ...beside], others);
    expect(exitCode).toBe(0);
    expect(stdout).toMatch(/^registry: +process \d+/m);
    expect(await world.answer()).toBe(200);
    await world.run("stop");
  });
});

describeWithPrograms(["docker-registry"], "the Go registry under commands of one's own", () => {
  it("is started, restarted and stopped by them", async () => {
    const world = await makeServiceWorld();
    const script = join(world.folder, "registry.sh");
    const [pid, log] = [join(world.folder, "pid"), join(world.folder, "log")];
    writeFileSync(
      script,
      `case $1 in
start) "${programPath("docker-registry")}" serve "${world.config}" >>"${log}" 2>&1 & echo $! >"${pid}" ;;
stop) kill "$(cat "${pid}")"; rm "${pid}" ;;
restart) sh "$0" stop; sh "$0" start ;;
status) test -e "${pid}" || exit 3 ;;
esac
`,
    );
    writeFileSync(
      world.ctlConfig,
      `service:\n  start: sh ${script} start\n  stop: sh ${script} stop\n  log: ${log}\n`,
    );
    expect(await world.run("start")).toMatchObject({
      exitCode: 0,
      stdout: expect.stringMatching(/^started: by command:\{/),
    });
    expect(await world.run("restart")).toMatchObject({ exitCode: 0 });
    expect((await world.run("tail", "-n", "100")).stdout).toContain("listening on");
    const line = `command:sh ${script}`;
    expect(await world.run("stop", "--service", line)).toMatchObject({
      exitCode: 0,
      stdout: expect.stringContaining(line),
    });
    expect(readFileSync(world.ctlConfig, "utf8")).toContain(`service: ${line}`);
    expect(await world.answer()).toBeUndefined();
    expect(await world.run("stop")).toMatchObject({ exitCode: 0, stdout: "not running" });
  });
});

const RUNIT = ["runsv", "sv", "svlogd"] as const;

describeAsRoot("our server as a service of runit on a host with GitLab's package", () => {
  let runsv: ChildProcess | undefined;

  afterEach(async () => {
    if (runsv === undefined) return;
    const ended = once(runsv, "exit");
    runsv.kill("SIGTERM");
    await ended;
    runsv = undefined;
  });

  it.skipIf(missingPrograms(RUNIT).length > 0)(
    "is looked after with a host's own configuration",
    async () => {
      const port = await findFreePort();
      const host = makeOmnibusHost({ addr: `127.0.0.1:${port}`, withoutAuth: true });
      const work = await temporaryFolder();
      try {
        // The server's user must be able to pass to its state, which it cannot below the folder of a test.
        const [service, stateDir] = [host.serviceFolder, join(host.root, "state")];
        const logs = join(host.root, "var/log/gitlab/registry");
        const scripts = {
          [join(service, "run")]:
            `exec '${process.execPath}' '${REGISTRY_CTL_PATH}' serve '${host.configFile}' --state-dir '${stateDir}'`,
          [join(service, "log/run")]: `exec svlogd '${logs}'`,
        };
        for (const [path, line] of Object.entries(scripts)) {
          mkdirSync(join(path, ".."), { recursive: true });
          writeFileSync(path, `#!/bin/sh\nexec 2>&1\n${line}\n`);
          chmodSync(path, 0o755);
        }
        writeFileSync(join(service, "down"), "");
        const env = { XDG_RUNTIME_DIR: join(host.root, "run") };
        runsv = spawn(programPath("runsv"), [service], { stdio: "ignore", env: { ...process.env, ...env } });
        await expect.poll(() => existsSync(join(service, "supervise/ok")), { timeout: 30_000 }).toBe(true);
        const run = (command: string, ...args: string[]) =>
          runRegistryCtl([command, host.configFile, "--state-dir", stateDir, ...args], { env });
        const ctl = ["--ctl-config", join(work, "ctl.yml")];
        const spec = `runit:${service}`;

        expect(await run("start", ...ctl, "--service", spec)).toMatchObject({
          ...{ exitCode: 0, stdout: expect.stringMatching(/^started: process \d+ by runit:\S+ at http:/) },
        });
        const status = JSON.parse((await run("status", "--json", ...ctl)).stdout);
        expect(status).toMatchObject({
          state: "running",
          reasons: [],
          service: { isRunning: true, pid: status.server.pid },
        });
        // The server has become the user that the store belongs to.
        expect(statSync(`/proc/${status.server.pid}`).uid).toBe(host.ownerId);
        expect(await run("restart", ...ctl)).toMatchObject({
          exitCode: 0,
          stdout: expect.stringContaining("no request was dropped"),
        });
        expect(await run("reload")).toMatchObject({ exitCode: 0 });
        // Without a word of runit the server would be back at once.
        const unaware = await run("stop", "--ctl-config", join(work, "other.yml"));
        expect(unaware).toMatchObject({ exitCode: 12, stderr: expect.stringContaining(`--service ${spec}`) });
        expect(await run("tail", ...ctl, "-n", "50")).toMatchObject({
          exitCode: 0,
          stdout: expect.stringContaining("listening"),
        });
        expect(await run("stop", ...ctl)).toMatchObject({
          exitCode: 0,
          stdout: expect.stringContaining(spec),
        });
        expect((await run("status", ...ctl)).exitCode).toBe(3);
      } finally {
        host.remove();
      }
    },
  );
});
