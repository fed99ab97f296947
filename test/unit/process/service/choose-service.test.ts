import { chmodSync, existsSync, readFileSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { ConfigError, UsageError } from "../../../../src/errors.ts";
import { chooseService } from "../../../../src/process/service/choose-service.ts";

let folder: string;
let ctlConfig: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-choose-"));
  ctlConfig = join(folder, "ctl.yml");
  writeFileSync(join(folder, "config.yml"), "");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function choose(service?: string, file = "config.yml") {
  const source = { kind: "file" as const, path: join(folder, file) };
  return chooseService(
    { ctlConfig, ...(service === undefined ? {} : { service }) },
    { source },
    { cwd: folder },
  );
}

describe("chooseService", () => {
  it("knows of none unless it is told", () => {
    expect(choose()).toMatchObject({ service: undefined, nodes: [], notices: [] });
  });

  it("remembers what it was told, for the next command", () => {
    const chosen = choose("runit:registry");
    expect(existsSync(ctlConfig)).toBe(false);
    expect(chosen.remember()).toBe(`remembered in ${ctlConfig}: runit:registry`);
    expect(readFileSync(ctlConfig, "utf8")).toBe(`config: ${folder}/config.yml\nservice: runit:registry\n`);
    expect(choose().service?.spec).toBe("runit:registry");
    expect(choose().remember()).toBeUndefined();
    expect(choose("runit:registry").remember()).toBeUndefined();
  });

  it("takes what it is told above what it remembers", () => {
    choose("runit:registry").remember();
    expect(choose("systemd:r").service?.spec).toBe("systemd:r.service");
  });

  it("never takes the service of another registry, nor forgets it", () => {
    choose("runit:registry").remember();
    const other = choose(undefined, "other.yml");
    expect(other.service).toBeUndefined();
    expect(other.notices).toEqual([
      `${ctlConfig} is about the registry of ${folder}/config.yml, and not followed`,
    ]);
    const told = choose("systemd:r", "other.yml");
    expect(told.service?.spec).toBe("systemd:r.service");
    expect(told.remember()).toContain("not remembered");
    expect(choose().service?.spec).toBe("runit:registry");
  });

  it("tells the nodes", () => {
    writeFileSync(ctlConfig, "nodes: [a:5000, b:5000]\n");
    expect(choose().nodes).toEqual(["a:5000", "b:5000"]);
  });

  it("runs nothing that others could have written", () => {
    writeFileSync(ctlConfig, "service: command:evil\n");
    chmodSync(ctlConfig, 0o666);
    expect(() => choose()).toThrow(ConfigError);
    expect(() => choose()).toThrow("may be written to by others");
  });

  it("says what is wrong with --service", () => {
    expect(() => choose("registry")).toThrow(UsageError);
  });

  it("does not fail where it cannot write", () => {
    ctlConfig = join(folder, "config.yml", "ctl.yml");
    expect(choose("runit:registry").remember()).toContain("not remembered");
  });
});
