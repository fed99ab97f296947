import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { loadConfig } from "../../../src/config/load-config.ts";
import { ConfigError, UsageError } from "../../../src/errors.ts";
import { makeOmnibusHost, type OmnibusHost } from "../../support/omnibus-host.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "load-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

function write(text: string): { cwd: string; env: Record<string, string>; argument: string } {
  writeFileSync(join(cwd, "c.yml"), text);
  return { cwd, env: {}, argument: "c.yml" };
}

const PROXY = "version: 0.1\nstorage: inmemory\nproxy: {remoteurl: https://example.com}\n";

async function failure(promise: Promise<unknown>): Promise<ConfigError> {
  const error: unknown = await promise.then(
    () => new Error("nothing was thrown"),
    (reason: unknown) => reason,
  );
  if (!(error instanceof ConfigError)) throw error;
  return error;
}

describe("loadConfig", () => {
  it("takes the embedded default where nothing else is", async () => {
    const loaded = await loadConfig({ cwd, env: {}, systemConfigs: [] });
    expect(loaded).toMatchObject({
      source: { kind: "embedded" },
      settings: {
        storage: { driver: "filesystem", rootDirectory: join(cwd, "registry-data") },
        deleteEnabled: true,
        http: { addr: "127.0.0.1:5000" },
      },
      warnings: [],
      hints: [],
      usesMetadataDatabase: false,
    });
  });

  it("does so for a destructive command only where its store is", async () => {
    const request = { cwd, env: {}, systemConfigs: [], destructive: true };
    const error = await failure(loadConfig(request));
    expect(error.hint).toContain("--config");
    mkdirSync(join(cwd, "registry-data"));
    expect((await loadConfig(request)).source).toEqual({ kind: "embedded" });
  });

  it("tells everything that is wrong in one error, with places", async () => {
    const error = await failure(
      loadConfig(write("version: 0.1\nstorage: {inmemory: , filesystem: }\nlog: {level: loud}\n")),
    );
    expect(error.position).toEqual({ file: "c.yml", line: 2, column: 23 });
    expect(error.message.split("\n")).toEqual([
      "c.yml:2:23: there must be one storage driver, not 2: inmemory, filesystem",
      'c.yml:3:14: log.level must be one of error, warn, info, debug, trace, not "loud"',
    ]);
  });

  it("starts with keys that do not exist, as the Go registry does, and warns", async () => {
    const { warnings } = await loadConfig(write("version: 0.1\nstorage: inmemory\nhtpp: {}\n"));
    expect(warnings).toEqual(["c.yml:3:1: there is no key htpp; did you mean http?"]);
  });

  it("takes a relative root directory from the working directory", async () => {
    const text = "version: 0.1\nstorage: {filesystem: {rootdirectory: data}}\n";
    expect((await loadConfig(write(text))).settings.storage).toMatchObject({
      rootDirectory: join(cwd, "data"),
    });
  });

  it.each(["azure", "azure_v2", "gcs"])("refuses the driver %s, whatever is allowed", async (driver) => {
    const request = write(`version: 0.1\nstorage:\n  ${driver}: {bucket: b, region: r}\n`);
    const error = await failure(loadConfig({ ...request, allowUnimplemented: ["proxy"] }));
    expect(error.message).toBe(`c.yml:3:3: the storage driver ${driver} is not implemented yet`);
  });

  it("says that a file is missing or a folder", async () => {
    expect((await failure(loadConfig({ cwd, env: {}, argument: "x.yml" }))).message).toContain(
      "no such file",
    );
    expect((await failure(loadConfig({ cwd, env: {}, argument: "." }))).message).toContain("it is a folder");
  });

  it("reads no more of an endless file than a configuration can have", async () => {
    const error = await failure(loadConfig({ cwd, env: {}, argument: "/dev/zero" }));
    expect(error.message).toBe("/dev/zero:1:1: it is larger than 1 MiB, which no configuration is");
  });

  it("takes no empty name for a folder", async () => {
    for (const request of [{ argument: "" }, { flag: "" }]) {
      await expect(loadConfig({ cwd, env: {}, ...request })).rejects.toThrow(
        /^the name of the config is empty$/,
      );
    }
  });

  it("refuses a root directory that no system call takes", async () => {
    const text = 'version: 0.1\nstorage: {filesystem: {rootdirectory: "/srv/a\\0b"}}\n';
    const error = await failure(loadConfig(write(text)));
    expect(error.message).toBe("c.yml:2:39: storage.filesystem.rootdirectory must have no NUL character");
  });

  it("refuses for serve what must be honoured, and names the place and the way round", async () => {
    const request = { ...write(PROXY), refuseUnimplemented: true };
    const error = await failure(loadConfig(request));
    expect(error.message).toBe(
      "c.yml:3:1: proxy is not implemented yet, and it restricts access or protects data",
    );
    expect(error.hint).toContain("--allow-unimplemented proxy");
  });

  it("serves where it is allowed, with a warning", async () => {
    const request = { ...write(PROXY), refuseUnimplemented: true };
    const loaded = await loadConfig({ ...request, allowUnimplemented: ["proxy"] });
    expect(loaded.settings.storage).toEqual({ driver: "inmemory" });
    expect(loaded.warnings.join("\n")).toContain("proxy is not implemented yet");
  });

  it("reads overrides from the service's environment", async () => {
    writeFileSync(join(cwd, "env"), "REGISTRY_LOG_LEVEL=debug\nREGISTRY_CONFIGURATION_PATH=c.yml\n");
    write("version: 0.1\nstorage: inmemory\n");
    const { settings, source } = await loadConfig({
      cwd,
      env: { REGISTRY_LOG_LEVEL: "error" },
      envFrom: ["env"],
      destructive: true,
    });
    expect(settings.log.level).toBe("debug");
    expect(source).toEqual({ kind: "file", path: join(cwd, "c.yml") });
  });
});

describe("loadConfig on a GitLab package host", () => {
  let host: OmnibusHost;
  beforeEach(() => {
    host = makeOmnibusHost();
  });
  afterEach(() => host.remove());

  it("takes auth.token for serve", async () => {
    const request = { cwd, env: {}, argument: host.configFile, refuseUnimplemented: true };
    expect((await loadConfig(request)).settings.auth).toMatchObject({
      kind: "token",
      service: "container_registry",
      issuer: "omnibus-gitlab-issuer",
    });
  });

  it("refuses to allow what is never refused", async () => {
    const request = { cwd, env: {}, argument: host.configFile, allowUnimplemented: ["http.addr"] };
    await expect(loadConfig(request)).rejects.toThrow(UsageError);
  });

  it("lets other commands work on it", async () => {
    const loaded = await loadConfig({ cwd, env: {}, argument: host.configFile, envFrom: [host.envFolder] });
    expect(loaded.settings).toMatchObject({ deleteEnabled: true, http: { addr: "localhost:5000" } });
    expect(loaded.usesMetadataDatabase).toBe(false);
  });
});
