import { readFileSync } from "node:fs";
import { mkdir, writeFile } from "node:fs/promises";
import { request } from "node:http";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { runOnTerminal } from "../support/run-on-terminal.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type ServeProcess, startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Each test runs the program many times. */
interface Host {
  folder: string;
  server: ServeProcess;
  env: Record<string, string>;
  /** Options that name the server. */
  where: string[];
  run(...args: string[]): Promise<ProgramResult>;
  /** Starts the server again after its end. */
  restart(): Promise<ServeProcess>;
}

async function makeHost(options: { readOnly?: boolean } = {}): Promise<Host> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "store");
  await mkdir(join(rootDirectory, "docker/registry/v2/repositories"), { recursive: true });
  const env = { XDG_RUNTIME_DIR: join(folder, "run") };
  await mkdir(env.XDG_RUNTIME_DIR, { mode: 0o700 });
  const start = async (port?: number): Promise<ServeProcess> => {
    const started = await startServe({
      rootDirectory,
      env,
      ...options,
      ...(port === undefined ? {} : { port }),
    });
    onTestFinished(() => started.stop().then(() => undefined));
    return started;
  };
  const server = await start();
  const state = ["--state-dir", `${rootDirectory}.state`];
  const where = ["--ctl-config", join(folder, "ctl.yml"), "-c", server.configPath];
  return {
    ...{ folder, server, env, where: [...state, ...where] },
    run: (...args) => runRegistryCtl([...state, ...args, ...where], { cwd: folder, env }),
    restart: () => start(Number(new URL(server.url).port)),
  };
}

async function push({ url }: Pick<ServeProcess, "url">): Promise<number> {
  const response = await fetch(`${url}/v2/some/repository/manifests/latest`, { method: "PUT", body: "{}" });
  await response.arrayBuffer();
  return response.status;
}

describe("readonly with our server", () => {
  it("turns it on for a time and off, at once and without a restart", async () => {
    const { server, run } = await makeHost();
    const on = await run("readonly", "on", "--for", "2h");
    expect(on.exitCode, on.stderr).toBe(0);
    expect(on.stdout).toMatch(
      /^the registry is read-only now\n {2}since: .*\n {2}until: .*ended by the server itself\n/,
    );
    expect(on.stdout).toContain("asked at its address (a write was answered 405");
    expect(await push(server)).toBe(405);

    const status = await run("readonly", "status", "--json");
    const report: unknown = JSON.parse(status.stdout);
    expect(report).toMatchObject({
      by: "control socket",
      readOnly: true,
      byConfiguration: false,
      proof: "probed",
    });
    const off = await run("readonly", "off", "--quiet");
    expect([off.exitCode, off.stderr]).toEqual([0, ""]);
    expect(off.stdout).toMatch(/^the registry is read-write now\n/);
    expect(await push(server)).toBe(400);
    expect((await run("readonly", "off")).stdout).toContain("read-write already");
  });

  it("ends at its time, also when the server was killed meanwhile", async () => {
    const { server, run, restart } = await makeHost();
    await run("readonly", "on", "--for", "40s");
    await server.kill();
    const again = await restart();
    const status = JSON.parse((await run("readonly", "status", "--json")).stdout) as { until?: string };
    expect(status).toMatchObject({ until: expect.any(String) });
    await expect.poll(() => push(again), { timeout: 60_000, interval: 200 }).toBe(400);
    expect(Date.now()).toBeGreaterThanOrEqual(Date.parse(status.until ?? ""));
  });

  it("lets uploads under way go on for --timeout, then cuts them off", async () => {
    const { server, run } = await makeHost();
    const started = await fetch(`${server.url}/v2/some/repository/blobs/uploads/`, { method: "POST" });
    const upload = request(new URL(started.headers.get("location") ?? "", server.url), { method: "PATCH" });
    const ended = new Promise<string>((resolve) => {
      upload.once("error", (error) => resolve(error.message));
      upload.once("response", (response) => resolve(String(response.statusCode)));
    });
    upload.write("the beginning");
    const writing = setInterval(() => upload.write("and more"), 100);
    onTestFinished(() => {
      clearInterval(writing);
      upload.destroy();
    });
    const on = await run("readonly", "on", "--timeout", "1s", "--json");
    expect(on.exitCode, on.stderr).toBe(0);
    expect(JSON.parse(on.stdout)).toMatchObject({ readOnly: true, cutOff: 1, proof: "probed" });
    expect(await ended).not.toBe("202");
  });

  it("changes nothing in a dry run", async () => {
    const { server, run } = await makeHost();
    const dry = await run("readonly", "on", "--dry-run");
    expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringContaining("would be read-only")]);
    expect(await push(server)).toBe(400);
  });

  it.each([
    [["--for", "2h", "--persist"], 2, "contradict each other"],
    [["--for", "0s"], 2, "would end it at once"],
    [["--for", "soon"], 2, "90m, 12h or 7d"],
    [["--key", "missing.key"], 2, "no auth.token"],
    [["--service", "cron:x"], 2, "a service is not"],
  ])("refuses %j", async (flags, exitCode, message) => {
    const { server, run } = await makeHost();
    const result = await run("readonly", "on", ...flags);
    expect([result.exitCode, result.stdout]).toEqual([exitCode, ""]);
    expect(result.stderr).toContain(message);
    expect(await push(server)).toBe(400);
  });

  it("ends what the configuration says with --persist only", async () => {
    const { server, run } = await makeHost({ readOnly: true });
    const refused = await run("readonly", "off");
    expect([refused.exitCode, refused.stderr]).toEqual([
      12,
      expect.stringMatching(/by its configuration.*--persist/s),
    ]);
    const off = await run("readonly", "off", "--persist", "--yes");
    expect(off.exitCode, off.stderr).toBe(0);
    expect(off.stderr).toContain("-      enabled: true\n+      enabled: false\n");
    expect(await push(server)).toBe(400);
    expect(readFileSync(server.configPath, "utf8")).toContain("enabled: false\nhttp");
  });

  it("warns that the configuration says otherwise", async () => {
    const { run } = await makeHost();
    expect((await run("readonly", "on", "--persist", "--yes")).exitCode).toBe(0);
    const off = await run("readonly", "off");
    expect([off.exitCode, off.stderr]).toEqual([0, expect.stringContaining("warning: ")]);
    expect(off.stderr).toContain("says read-only: so will the server be");
  });
});

describeWithPrograms(["script"], "readonly --persist on a terminal", () => {
  it("shows the change, and asks", async () => {
    const { server, where, env } = await makeHost();
    const original = readFileSync(server.configPath, "utf8");
    const args = ["readonly", "on", "--persist", ...where];
    const no = await runOnTerminal(args, { answer: "n", env });
    expect([no.exitCode, no.shown]).toEqual([130, expect.stringContaining("+      enabled: true")]);
    expect(readFileSync(server.configPath, "utf8")).toBe(original);
    expect(await push(server)).toBe(400);

    const yes = await runOnTerminal(args, { answer: "y", env });
    expect([yes.exitCode, yes.shown]).toEqual([0, expect.stringContaining("the registry is read-only now")]);
    expect(readFileSync(server.configPath, "utf8")).toBe(original.replace("enabled: false", "enabled: true"));
  });
});

describeWithPrograms(["docker-registry"], "readonly where GitLab's package writes the configuration", () => {
  it("prints the lines for gitlab.rb, touches nothing, and waits for the file and the registry", async () => {
    const { findFreePort } = await import("../support/free-port.ts");
    const { startServerProcess } = await import("../support/server-process.ts");
    const { programPath } = await import("../support/programs.ts");
    const port = await findFreePort();
    const host = makeOmnibusHost({ addr: `127.0.0.1:${port}`, withoutAuth: true });
    onTestFinished(() => host.remove());
    const start = () =>
      startServerProcess([programPath("docker-registry"), "serve", host.configFile], { port });
    const first = await start();
    onTestFinished(() => first.stop().then(() => undefined));
    const run = (...args: string[]): Promise<ProgramResult> =>
      runRegistryCtl(["--state-dir", join(host.root, "state"), "readonly", ...args, "-c", host.configFile], {
        env: { XDG_RUNTIME_DIR: host.root },
      });
    const rendered = readFileSync(host.configFile, "utf8");

    const late = await run("on", "--wait", "0");
    expect([late.exitCode, late.stdout]).toEqual([12, ""]);
    expect(late.stderr).toContain(`set this in ${host.gitlabRb}, then run gitlab-ctl reconfigure:\n`);
    expect(late.stderr).toContain("    registry['storage'] = {\n      'filesystem' => {\n");
    expect(late.stderr).toContain("        'readonly' => {\n          'enabled' => true\n        }\n");
    expect(readFileSync(host.configFile, "utf8")).toBe(rendered);

    const waiting = run("on", "--json");
    // As gitlab-ctl reconfigure does it.
    await writeFile(
      host.configFile,
      rendered.replace('"delete":', '"maintenance":{"readonly":{"enabled":true}},"delete":'),
    );
    await first.stop();
    const second = await start();
    onTestFinished(() => second.stop().then(() => undefined));
    const done = await waiting;
    expect(done.exitCode, done.stderr).toBe(0);
    expect(JSON.parse(done.stdout)).toMatchObject({ readOnly: true, proof: "probed", by: "configuration" });
  });
});
