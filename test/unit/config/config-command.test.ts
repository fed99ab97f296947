import { mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { Command } from "commander";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { parse } from "yaml";
import { configCommand } from "../../../src/commands/config/command.ts";
import type { CommandContext } from "../../../src/commands/context.ts";
import { ConfigError } from "../../../src/errors.ts";
import { makeOmnibusHost } from "../../support/omnibus-host.ts";

let cwd: string;
/** What the last run told on stderr. */
let notices: string[];
beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "config-command-"));
});
afterEach(() => rmSync(cwd, { recursive: true, force: true }));

interface Outcome {
  stdout: string;
  exitCode: number;
}

/** Runs `config …` with a context that writes into memory. */
async function run(args: string[], env: Record<string, string> = {}): Promise<Outcome> {
  const outcome: Outcome = { stdout: "", exitCode: 0 };
  notices = [];
  const refuse = (): never => {
    throw new Error("config commands open no store and ask nothing");
  };
  const context: CommandContext = {
    version: "0.0.0",
    env,
    cwd,
    stdin: new PassThrough(),
    stdout: new PassThrough(),
    stderr: new PassThrough(),
    interactive: false,
    signal: new AbortController().signal,
    exitCodeOf: () => 1,
    setExitCode: (code) => {
      outcome.exitCode = code;
    },
    onReloadSignal: refuse,
    loadConfig: refuse,
    openStorage: refuse,
    openTarget: refuse,
    askText: refuse,
    notice: (text) => void notices.push(text),
    confirm: refuse,
    askSecret: refuse,
    progress: refuse,
    recordChange: refuse,
    expectChange: refuse,
    actor: refuse,
    report: (result, render, flags) => {
      outcome.stdout += flags.json === true ? JSON.stringify(result) : render(result);
    },
  };
  const program = new Command().option("--json").option("-c, --config <file>").exitOverride();
  program.addCommand(configCommand(context));
  await program.parseAsync(["config", ...args], { from: "user" });
  return outcome;
}

describe("config check", () => {
  it("says ok and exits 0", async () => {
    writeFileSync(join(cwd, "c.yml"), "version: 0.1\nstorage: inmemory\n");
    expect(await run(["check", "c.yml"])).toEqual({ stdout: "c.yml: ok", exitCode: 0 });
    expect(await run(["check"])).toEqual({ stdout: "embedded default: ok", exitCode: 0 });
  });

  it("exits 10 where something is wrong", async () => {
    writeFileSync(join(cwd, "c.yml"), "version: 0.1\nstorage: {inmemory: , delete: {enable: true}}\n");
    expect(await run(["check", "c.yml"])).toEqual({
      stdout:
        "c.yml: 1 problem\n" +
        "problem: c.yml:2:32: there is no key storage.delete.enable; did you mean storage.delete.enabled?",
      exitCode: 10,
    });
    await expect(run(["check", "missing.yml"])).rejects.toThrow(ConfigError);
  });

  it("finds nothing wrong in a GitLab package's config", async () => {
    const host = makeOmnibusHost();
    const { stdout, exitCode } = await run(["check", host.configFile, "--json"]);
    host.remove();
    expect(exitCode).toBe(0);
    expect(JSON.parse(stdout)).toEqual({
      schemaVersion: 1,
      command: "config check",
      config: host.configFile,
      ok: true,
      problems: [],
      warnings: [],
      refusedByServe: [],
      withoutEffect: [
        {
          key: "health.storagedriver",
          message: "health.storagedriver is not implemented yet and has no effect",
          place: `${host.configFile}:25:3`,
          line: 25,
          column: 3,
        },
      ],
    });
  });
});

describe("config show", () => {
  it("prints what the file says with overrides, as a file that can be read", async () => {
    writeFileSync(
      join(cwd, "c.yml"),
      'version: "0.1"\nstorage: {inmemory: , delete: {enabled: yes}}\nhttp: {net: "tcp"}\n',
    );
    const { stdout } = await run(["show", "c.yml"], { REGISTRY_LOG_LEVEL: "debug" });
    expect(parse(stdout)).toMatchObject({ storage: { delete: { enabled: true } }, http: { net: "tcp" } });
    expect(stdout).toContain("level: debug  # environment variable REGISTRY_LOG_LEVEL");
  });

  it("says of every effective value where it comes from", async () => {
    writeFileSync(
      join(cwd, "c.yml"),
      "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /srv\nhttp: {draintimeout: 90s}\n",
    );
    const { stdout } = await run(["show", "c.yml", "--effective"], { REGISTRY_LOG_LEVEL: "debug" });
    expect(stdout).toContain("  level: debug  # environment variable REGISTRY_LOG_LEVEL");
    expect(stdout).toContain("    rootdirectory: /srv  # c.yml:4:20");
    expect(stdout).toContain("    maxthreads: 100  # default");
    expect(stdout).toContain("  draintimeout: 1m30s  # c.yml:5:22");
    expect(stdout).not.toContain("s3:");
    expect(stdout).not.toContain("proxy:");
    const json: unknown = JSON.parse((await run(["show", "c.yml", "--effective", "--json"])).stdout);
    expect(json).toMatchObject({
      schemaVersion: 1,
      command: "config show",
      config: "c.yml",
      source: { kind: "file", path: join(cwd, "c.yml") },
    });
  });

  it("shows values as they are taken where that is not as they are written", async () => {
    writeFileSync(
      join(cwd, "c.yml"),
      `version: 0.1
loglevel: WARN
storage: {filesystem: {rootdirectory: /srv, maxthreads: 5}}
catalog: {maxentries: -1}
http: {prefix: nested}
`,
    );
    const { stdout } = await run(["show", "c.yml", "--effective"]);
    expect(stdout).toContain("  level: warn  # c.yml:2:11");
    expect(stdout).toContain("    maxthreads: 25  # c.yml:3:57");
    expect(stdout).toContain("  maxentries: 1000  # c.yml:4:23");
    expect(stdout).toContain("  prefix: /nested/  # c.yml:5:16");
  });

  it("shows what was found out of a bucket", async () => {
    writeFileSync(
      join(cwd, "c.yml"),
      `version: 0.1
storage: {s3: {bucket: images, regionendpoint: "S3.example.com:443", maxrequestspersecond: "10"}}
`,
    );
    const { stdout } = await run(["show", "c.yml", "--effective"]);
    expect(stdout).toContain("    regionendpoint: https://s3.example.com  # c.yml:2:48");
    expect(stdout).toContain("    region: us-east-1  # default");
    expect(stdout).toContain("    forcepathstyle: true  # default");
    expect(stdout).toContain("    checksum_disabled: true  # default");
    expect(stdout).toContain("    maxrequestspersecond: 10  # c.yml:2:92");
  });

  it("says what was assumed of a bucket, which is no problem", async () => {
    const storage = "storage: {s3: {bucket: images, regionendpoint: s3.example.com}}";
    writeFileSync(join(cwd, "c.yml"), `version: 0.1\n${storage}\n`);
    expect(await run(["check", "c.yml"])).toEqual({ stdout: "c.yml: ok", exitCode: 0 });
    expect(notices).toEqual([
      expect.stringMatching(/^note: the bucket is addressed as https:\/\/s3.example.com\/images, /),
    ]);
  });

  it("shows no secret of any fixture, with either dialect and either form", async () => {
    const folder = join(import.meta.dirname, "../../../fixtures/config");
    for (const dialect of ["distribution", "gitlab"]) {
      for (const name of readdirSync(join(folder, dialect))) {
        const file = join(folder, dialect, name);
        const secrets =
          readFileSync(file, "utf8").match(/example-[a-z-]+|A[KS]IA\w+|ZXhhbXBs[\w=]+|user@sentry/g) ?? [];
        for (const more of [[], ["--effective"], ["--json"]]) {
          const { stdout } = await run(["show", file, ...more]);
          for (const secret of secrets) expect(stdout, file).not.toContain(secret);
          if (secrets.length > 0) expect(stdout).toContain("***");
        }
      }
    }
  });

  it("masks users in URLs and secrets in free-form keys and overrides", async () => {
    writeFileSync(
      join(cwd, "c.yml"),
      `version: 0.1
storage: inmemory
proxy: {remoteurl: "https://me:hunter2@example.com/x"}
log: {fields: {apiToken: hunter2, nested: {password: hunter2}, list: [{secret: hunter2}]}}
http: {headers: {Authorization: [hunter2]}}
mystery: {Password: hunter2}
`,
    );
    const { stdout } = await run(["show", "c.yml"], { REGISTRY_HTTP_SECRET: "hunter2" });
    expect(stdout).not.toContain("hunter2");
    expect(stdout).toContain("https://***@example.com/x");
  });

  it("fails on a file that cannot be used", async () => {
    writeFileSync(join(cwd, "c.yml"), "version: 0.1\n");
    await expect(run(["show", "c.yml"])).rejects.toThrow(/no storage driver/);
  });
});
