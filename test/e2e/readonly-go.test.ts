import { readdirSync, readFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { expect, it } from "vitest";
import { describeWithPrograms } from "../support/programs.ts";
import { type RegistryService, startRegistryService, untilAnswering } from "../support/registry-service.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { SIGNING_CERTIFICATE, SIGNING_KEY } from "../support/signing-pair.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Each test runs the program many times. */
interface Host {
  folder: string;
  service: RegistryService;
  /** Runs the program with what is remembered kept in the host's folder. */
  run(...args: string[]): Promise<ProgramResult>;
  /** What is written down to be undone. */
  duties(): string[];
}

async function makeHost(options: { auth?: boolean; readOnly?: boolean } = {}): Promise<Host> {
  const folder = await temporaryFolder();
  await writeFile(join(folder, "registry.crt"), SIGNING_CERTIFICATE);
  await writeFile(join(folder, "registry.key"), SIGNING_KEY, { mode: 0o600 });
  const moreConfig = options.auth
    ? `auth:
  token:
    realm: https://gitlab.example.com/jwt/auth
    service: container_registry
    issuer: omnibus-gitlab-issuer
    rootcertbundle: ${join(folder, "registry.crt")}
`
    : "";
  const service = await startRegistryService(folder, { moreConfig, readOnly: options.readOnly ?? false });
  const state = join(folder, "state");
  return {
    folder,
    service,
    run: (...args) =>
      runRegistryCtl(
        ["--state-dir", state, ...args, "--ctl-config", join(folder, "ctl.yml"), "-c", service.configPath],
        { cwd: folder },
      ),
    duties: () => {
      try {
        return readdirSync(join(state, "duties"));
      } catch {
        return [];
      }
    },
  };
}

/** What a push of a manifest is answered. */
async function push(service: RegistryService): Promise<number> {
  const response = await fetch(`${service.url}/v2/some/repository/manifests/latest`, {
    method: "PUT",
    body: "{}",
  });
  await response.arrayBuffer();
  return response.status;
}

async function untilPush(service: RegistryService, isWanted: (status: number) => boolean): Promise<void> {
  for (const deadline = Date.now() + 20_000; Date.now() < deadline; ) {
    if (isWanted(await push(service).catch(() => 0))) return;
    await new Promise((resolve) => setTimeout(resolve, 50));
  }
  throw new Error("pushes are not answered as expected after 20 seconds");
}

describeWithPrograms(["docker-registry"], "readonly with the Go registry under a command", () => {
  it("turns it on and off, proves both, and leaves the file as it was", async () => {
    const { service, run, duties } = await makeHost();
    const original = readFileSync(service.configPath, "utf8");

    const on = await run("readonly", "on", "--yes", "--service", service.spec);
    expect(on.exitCode, on.stderr).toBe(0);
    expect(on.stdout).toMatch(/^the registry is read-only now\n {2}since: .*asked at its address/s);
    expect(on.stderr).toContain("-      enabled: false\n+      enabled: true\n");
    expect(on.stderr).toContain("remembered in");
    expect(await push(service)).toBe(405);

    const again = await run("readonly", "on", "--json");
    expect(again.exitCode, again.stderr).toBe(0);
    expect(JSON.parse(again.stdout)).toMatchObject({ readOnly: true, unchanged: true, proof: "probed" });
    expect(service.starts()).toBe(2);

    const status = await run("readonly", "status", "--json");
    expect(JSON.parse(status.stdout)).toMatchObject({
      readOnly: true,
      by: "configuration",
      since: expect.any(String),
    });

    const off = await run("readonly", "off", "--yes");
    expect(off.exitCode, off.stderr).toBe(0);
    expect(off.stdout).toMatch(/^the registry is read-write now\n.*asked at its address/s);
    expect(readFileSync(service.configPath, "utf8")).toBe(original);
    expect(await push(service)).not.toBe(405);
    expect(duties()).toEqual([]);

    const unchanged = await run("readonly", "off");
    expect([unchanged.exitCode, unchanged.stdout]).toEqual([
      0,
      expect.stringContaining("read-write already"),
    ]);
    expect(service.starts()).toBe(3);
  });

  it("changes nothing without an answer, and in a dry run", async () => {
    const { service, run, duties } = await makeHost();
    const original = readFileSync(service.configPath, "utf8");

    const dry = await run("readonly", "on", "--dry-run", "--service", service.spec);
    expect([dry.exitCode, dry.stdout]).toEqual([0, expect.stringContaining("would be read-only")]);
    expect(dry.stderr).toContain("+      enabled: true");
    const unasked = await run("readonly", "on", "--service", service.spec);
    expect([unasked.exitCode, unasked.stdout]).toEqual([2, ""]);
    expect(unasked.stderr).toContain("pass --yes");

    expect(readFileSync(service.configPath, "utf8")).toBe(original);
    expect(service.starts()).toBe(1);
    expect(duties()).toEqual([]);
  });

  it("says what is missing where nobody has said what runs it", async () => {
    const { run } = await makeHost();
    const result = await run("readonly", "on", "--yes");
    expect([result.exitCode, result.stdout]).toEqual([12, ""]);
    expect(result.stderr).toMatch(/no control socket.*--service/s);
  });

  it("ends by itself at its time, when the command has long ended", async () => {
    const { service, run, duties } = await makeHost();
    const original = readFileSync(service.configPath, "utf8");
    const on = await run("readonly", "on", "--yes", "--for", "3s", "--service", service.spec);
    expect(on.exitCode, on.stderr).toBe(0);
    expect(on.stdout).toContain("ended by a process in the background");

    await untilPush(service, (status) => status !== 405 && status !== 0);
    await expect.poll(duties, { timeout: 60_000 }).toEqual([]);
    expect(readFileSync(service.configPath, "utf8")).toBe(original);
  });

  it("keeps what somebody else has changed in the file meanwhile", async () => {
    const { service, run } = await makeHost();
    await run("readonly", "on", "--yes", "--service", service.spec);
    const changed = `# a comment\n${readFileSync(service.configPath, "utf8")}`;
    await writeFile(service.configPath, changed);

    const off = await run("readonly", "off", "--yes");
    expect(off.exitCode, off.stderr).toBe(0);
    const text = readFileSync(service.configPath, "utf8");
    expect(text).toBe(changed.replace("enabled: true\nhttp", "enabled: false\nhttp"));
    expect(text).toContain("# a comment\n");
  });

  it("goes back where the registry does not come up", async () => {
    const { folder, service, run, duties } = await makeHost();
    const original = readFileSync(service.configPath, "utf8");
    const script = join(folder, "broken");
    // It restarts the registry with another configuration, as a unit file that names another one would.
    const other = join(folder, "other.yml");
    await writeFile(other, original);
    await writeFile(
      script,
      readFileSync(join(folder, "service"), "utf8").replaceAll(service.configPath, other),
      { mode: 0o755 },
    );
    const on = await run("readonly", "on", "--yes", "--service", `command:${script}`);
    expect([on.exitCode, on.stdout]).toEqual([12, ""]);
    expect(on.stderr).toMatch(
      /is not read-only although .* says so: a write was answered 400: it takes writes/,
    );
    expect(readFileSync(service.configPath, "utf8")).toBe(original);
    expect(duties()).toEqual([]);
    expect(await push(service)).not.toBe(405);
  });

  it("tells that the registry does not run", async () => {
    const { service, run } = await makeHost();
    service.run("stop");
    await untilAnswering(service.url, false);
    const status = await run("readonly", "status", "--service", service.spec);
    expect([status.exitCode, status.stdout]).toEqual([3, expect.stringContaining("does not run")]);
    const on = await run("readonly", "on", "--yes", "--service", service.spec);
    expect([on.exitCode, on.stderr]).toEqual([12, expect.stringContaining("the registry does not run")]);
  });
});

describeWithPrograms(["docker-registry"], "readonly with the Go registry and auth.token", () => {
  it("proves it with a token of its own", async () => {
    const { service, run, duties } = await makeHost({ auth: true });
    const original = readFileSync(service.configPath, "utf8");

    const without = await run("readonly", "on", "--yes", "--service", service.spec);
    expect([without.exitCode, without.stderr]).toEqual([12, expect.stringMatching(/401.*--key/s)]);
    expect(service.starts()).toBe(1);

    const on = await run("readonly", "on", "--yes", "--key", "registry.key", "--service", service.spec);
    expect(on.exitCode, on.stderr).toBe(0);
    expect(on.stdout).toContain("405: it takes none, a read as it should be");

    const off = await run("readonly", "off", "--yes", "--key", "registry.key");
    expect(off.exitCode, off.stderr).toBe(0);
    expect(off.stdout).toContain("it takes writes");
    expect(readFileSync(service.configPath, "utf8")).toBe(original);
    expect(duties()).toEqual([]);
  });
});
