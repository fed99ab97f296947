import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { findConfig } from "../../../src/config/find-config.ts";
import { ConfigError, UsageError } from "../../../src/errors.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "find-config-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

const none = { env: {}, systemConfigs: [] };
const REGISTRY = "version: 0.1\nstorage: inmemory\n";

describe("findConfig", () => {
  it("takes the argument or --config, and refuses two different ones", () => {
    const path = join(cwd, "a.yml");
    expect(findConfig({ ...none, cwd, argument: "a.yml" }).file).toEqual({ path, shownAs: "a.yml" });
    expect(findConfig({ ...none, cwd, flag: "a.yml" }).file?.path).toBe(path);
    expect(findConfig({ ...none, cwd, argument: "a.yml", flag: path }).file?.path).toBe(path);
    expect(() => findConfig({ ...none, cwd, argument: "a.yml", flag: "b.yml" })).toThrow(UsageError);
  });

  it("then takes REGISTRY_CONFIGURATION_PATH, destructive or not", () => {
    const env = { REGISTRY_CONFIGURATION_PATH: "b.yml" };
    writeFileSync(join(cwd, "config.yml"), REGISTRY);
    for (const destructive of [false, true]) {
      expect(findConfig({ cwd, env, systemConfigs: [], destructive }).file?.path).toBe(join(cwd, "b.yml"));
    }
  });

  it("then takes ./config.yml if it is a registry's", () => {
    writeFileSync(join(cwd, "config.yml"), "name: something else\nversion: 3\n");
    expect(findConfig({ ...none, cwd }).file).toBeUndefined();
    writeFileSync(join(cwd, "config.yml"), REGISTRY);
    expect(findConfig({ ...none, cwd }).file?.path).toBe(join(cwd, "config.yml"));
    writeFileSync(join(cwd, "config.yml"), `${REGISTRY}http: [`);
    expect(findConfig({ ...none, cwd }).file?.path).toBe(join(cwd, "config.yml"));
  });

  it("names system files and never takes them", () => {
    const system = join(cwd, "system.yml");
    writeFileSync(system, REGISTRY);
    const found = findConfig({ cwd, env: {}, systemConfigs: [system, join(cwd, "missing.yml")] });
    expect(found.file).toBeUndefined();
    expect(found.hints).toEqual([`${system} exists and is not used: name it with --config ${system}`]);
  });

  it("guesses nothing for a destructive command", () => {
    const request = { ...none, cwd, destructive: true };
    expect(() => findConfig(request)).toThrow(ConfigError);
    mkdirSync(join(cwd, "registry-data"));
    expect(findConfig(request).file).toBeUndefined();
    writeFileSync(join(cwd, "config.yml"), REGISTRY);
    expect(() => findConfig(request)).toThrow(/takes no config that was not named/);
  });
});
