import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { readEnvFrom } from "../../../src/config/env-from.ts";
import { parseEnvironmentFile } from "../../../src/config/environment-file.ts";
import { ConfigError, UsageError } from "../../../src/errors.ts";
import { makeOmnibusHost } from "../../support/omnibus-host.ts";

let cwd: string;
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "env-from-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

describe("parseEnvironmentFile", () => {
  it.each([
    ["A=b\nC=d", { A: "b", C: "d" }],
    ["# comment\n; comment\n\nA=b", { A: "b" }],
    ["  A = b  \n", { A: "b" }],
    [`A="b c"\nD='e $f'`, { A: "b c", D: "e $f" }],
    [`A="b\\"c"`, { A: 'b"c' }],
    ["A=b \\\n c", { A: "b  c" }],
    [`A="line\nline"`, { A: "line\nline" }],
    ["A='#x' ", { A: "#x" }],
    ["export A=b", { A: "b" }],
    ["A=", { A: "" }],
    ["no assignment\nA=b", { A: "b" }],
    ["A=b", { A: "b" }],
    ["", {}],
  ])("reads %j", (text, expected) => {
    expect(parseEnvironmentFile(text)).toEqual(expected);
  });
});

describe("readEnvFrom", () => {
  it("puts the service's environment above ours, and later sources above earlier ones", async () => {
    writeFileSync(join(cwd, "one"), "A=one\nB=one\n");
    writeFileSync(join(cwd, "two"), "B=two\n");
    expect(await readEnvFrom(["one", "two"], { A: "own", C: "own" }, { cwd })).toEqual({
      A: "one",
      B: "two",
      C: "own",
    });
  });

  it("reads a folder of variables as chpst does", async () => {
    const host = makeOmnibusHost({
      env: { REGISTRY_LOG_LEVEL: "debug  \nsecond line", MULTI: "a\0b", EMPTY: "" },
    });
    const env = await readEnvFrom([host.envFolder], {}, { cwd });
    host.remove();
    expect(env).toEqual({
      REGISTRY_LOG_LEVEL: "debug",
      MULTI: "a\nb",
      SSL_CERT_DIR: "/opt/gitlab/embedded/ssl/certs/",
    });
  });

  it("reads the environment of a process", async () => {
    mkdirSync(join(cwd, "42"));
    writeFileSync(join(cwd, "42/environ"), "A=b=c\0REGISTRY_X=1\0");
    expect(await readEnvFrom(["pid:42"], {}, { cwd, procFolder: cwd })).toEqual({
      A: "b=c",
      REGISTRY_X: "1",
    });
    await expect(readEnvFrom(["pid:43"], {}, { cwd, procFolder: cwd })).rejects.toThrow(ConfigError);
    await expect(readEnvFrom(["pid:../42"], {}, { cwd, procFolder: cwd })).rejects.toThrow(UsageError);
  });

  it("reads the environment of a unit, its files above its own lines", async () => {
    writeFileSync(join(cwd, "env"), "B=file\n");
    const output = `Environment=A=1 "B=two words" C=3\nEnvironmentFiles=${cwd}/env (ignore_errors=no)\nEnvironmentFiles=${cwd}/missing (ignore_errors=yes)\n`;
    const calls: unknown[] = [];
    const runProgram = async (file: string, args: readonly string[]): Promise<string> => {
      calls.push([file, ...args]);
      return output;
    };
    expect(await readEnvFrom(["systemd:registry.service"], {}, { cwd, runProgram })).toEqual({
      A: "1",
      B: "file",
      C: "3",
    });
    expect(calls).toEqual([
      ["systemctl", "show", "registry.service", "-p", "Environment", "-p", "EnvironmentFiles"],
    ]);
    await expect(readEnvFrom(["systemd:--version"], {}, { cwd, runProgram })).rejects.toThrow(UsageError);
  });

  it("says so where there is no systemctl or no such file", async () => {
    const runProgram = async (): Promise<string> => {
      throw new Error("spawn systemctl ENOENT");
    };
    await expect(readEnvFrom(["systemd:a"], {}, { cwd, runProgram })).rejects.toThrow(
      /cannot be read from systemd:a: spawn systemctl ENOENT/,
    );
    await expect(readEnvFrom(["missing"], {}, { cwd })).rejects.toThrow(ConfigError);
  });
});
