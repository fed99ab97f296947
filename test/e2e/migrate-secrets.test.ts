import { readdirSync, readFileSync, statSync, writeFileSync } from "node:fs";
import { appendFile, chmod, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, vi } from "vitest";
import { type MigrationWorld, makeMigrationWorld } from "../support/migration-world.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { pushImage } from "../support/push-image.ts";
import { runOnTerminal, type TypedAnswer } from "../support/run-on-terminal.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";
import type { S3Server } from "../support/s3-server/s3-server.ts";
import { watchCommandLines } from "../support/watch-command-lines.ts";

vi.setConfig({ testTimeout: 300_000 });

const ACCESS_KEY = "ACCESSKEYTHATNOBODYMAYSEE";
const SECRET_KEY = "secret/key+that=nobody~may-see";
const SECRETS = [ACCESS_KEY, SECRET_KEY, Buffer.from(SECRET_KEY).toString("base64")];

/** A bucket whose keys are known to nobody but its owner, and words that name it. */
async function secretBucket(): Promise<{ s3: S3Server; words: string[] }> {
  const s3 = await s3ServerOfTest({ accessKey: ACCESS_KEY, secretKey: SECRET_KEY });
  const words = ["--to", "s3", "--bucket", "registry", "--endpoint", s3.endpoint];
  // All that the driver can be asked to log.
  return { s3, words: [...words, "--set", "forcepathstyle=true", "--set", "loglevel=debugwithsigning"] };
}

function expectNoSecret(what: string, text: string): void {
  for (const secret of SECRETS) expect(text.includes(secret), `${what} shows a key:\n${text}`).toBe(false);
}

/** Files below a folder that hold a key, by their names in it. */
function filesWithSecrets(folder: string): string[] {
  const names = readdirSync(folder, { recursive: true, encoding: "utf8" });
  return names.filter((name) => {
    const path = join(folder, name);
    if (!statSync(path, { throwIfNoEntry: false })?.isFile()) return false;
    const text = readFileSync(path, "latin1");
    return SECRETS.some((secret) => text.includes(secret));
  });
}

/** Everything that tells of a move or of a registry shows no key. */
async function expectToldWithoutSecrets({ stateDir, configPath, env }: MigrationWorld): Promise<void> {
  const state = ["--state-dir", stateDir];
  const commands = [
    ["migrate", "status", ...state, "--verbose"],
    ["migrate", "status", ...state, "--json"],
    ["status", ...state, "--verbose"],
    ["status", ...state, "--json"],
    ["history", ...state, "--json"],
    ["config", "show", "--effective"],
  ];
  for (const command of commands) {
    const { stdout, stderr } = await runRegistryCtl([...command, configPath], { env });
    expect(stdout, `${command.join(" ")}: ${stderr}`).not.toBe("");
    expectNoSecret(command.join(" "), stdout + stderr);
  }
}

describe("the keys of a new store", () => {
  it("are shown nowhere when they come from files, from the first copy to the way back", async () => {
    const world = await makeMigrationWorld();
    const { words } = await secretBucket();
    await appendFile(world.configPath, "log:\n  level: debug\n");
    await chmod(world.configPath, 0o640);
    writeFileSync(join(world.folder, "access"), `${ACCESS_KEY}\n`, { mode: 0o600 });
    writeFileSync(join(world.folder, "secret"), `${SECRET_KEY}\n`, { mode: 0o600 });
    const files = ["--access-key-file", join(world.folder, "access")];
    const target = [...words, ...files, "--secret-key-file", join(world.folder, "secret")];
    await world.start();
    const stop = watchCommandLines(SECRETS);
    const told: Record<string, ProgramResult> = {};
    told["dry run"] = await world.run("migrate", ...target, "--dry-run", "--verbose");
    told["copy"] = await world.run("migrate", ...target, "--verbose");
    await expectToldWithoutSecrets(world);
    told["cut-over"] = await world.run("migrate", ...target, "--cutover", "--yes", "--json", "--verbose");
    await pushImage(world.url, "team/after", "image of team/after", "v2");
    await expectToldWithoutSecrets(world);
    const kept = filesWithSecrets(world.folder).filter((name) => !["access", "secret"].includes(name));
    const { id } = JSON.parse(told["cut-over"].stdout);
    expect(kept.sort()).toEqual(["config.yml", `state/migrations/${id}/migration.json`]);
    expect(statSync(join(world.stateDir, "migrations", id, "migration.json")).mode & 0o777).toBe(0o600);
    expect(statSync(world.configPath).mode & 0o777).toBe(0o640);
    told["rollback"] = await world.run("migrate", "rollback", "--yes", "--verbose");
    await expectToldWithoutSecrets(world);
    told["forget"] = await world.run("migrate", "forget", "--yes");
    const seen = stop();
    for (const [what, { exitCode, stdout, stderr }] of Object.entries(told)) {
      expect(exitCode, `${what}: ${stderr}`).toBe(0);
      expectNoSecret(what, stdout + stderr);
    }
    for (const what of ["cut-over", "rollback"])
      expect(told[what]?.stderr).toMatch(/^[+-] {4}secretkey: \*\*\*$/m);
    expect([...seen.all].some((line) => line.includes("watchdog"))).toBe(true);
    expect([...seen.all].some((line) => line.includes("migrate --to s3"))).toBe(true);
    expect(seen.leaks).toEqual([]);
    const left = filesWithSecrets(world.folder).filter((name) => !["access", "secret"].includes(name));
    expect(left).toEqual([]);
  });

  it("are shown nowhere when they come from the environment, and a store denies them", async () => {
    const world = await makeMigrationWorld(2);
    const { words, s3 } = await secretBucket();
    const env = {
      ...world.env,
      REGISTRY_CTL_TARGET_ACCESSKEY: ACCESS_KEY,
      REGISTRY_CTL_TARGET_SECRETKEY: SECRET_KEY,
    };
    const stop = watchCommandLines(SECRETS);
    const run = (...more: string[]) =>
      runRegistryCtl(["migrate", ...words, ...more, ...world.options, world.configPath], { env });
    s3.options.secretKey = "another";
    const denied = await run("--verbose");
    expect(denied.exitCode).toBe(11);
    // By the access key an administrator knows which keys are meant; it is no secret.
    expectNoSecret("a refusal", (denied.stdout + denied.stderr).replaceAll(ACCESS_KEY, ""));
    s3.options.secretKey = SECRET_KEY;
    const copied = await run("--cutover", "--yes", "--verbose");
    expect(copied.exitCode, copied.stderr).toBe(0);
    expectNoSecret("cut-over", copied.stdout + copied.stderr);
    expect(stop().leaks).toEqual([]);
  });

  it("end in a file that everybody can read only with a warning", async () => {
    const world = await makeMigrationWorld(2);
    const { words } = await secretBucket();
    writeFileSync(join(world.folder, "target.yml"), `accesskey: ${ACCESS_KEY}\nsecretkey: ${SECRET_KEY}\n`);
    const target = [...words, "--target-config", join(world.folder, "target.yml")];
    await chmod(world.configPath, 0o644);
    const moved = await world.run("migrate", ...target, "--cutover", "--yes", "--json");
    expect(moved.exitCode, moved.stderr).toBe(0);
    expect(JSON.parse(moved.stdout).warnings.join("\n")).toContain(
      `everybody on this host can read ${world.configPath}, which holds the keys of the new store`,
    );
    expect(await readFile(world.configPath, "utf8")).toContain(SECRET_KEY);
    expectNoSecret("cut-over", moved.stdout + moved.stderr);
  });
});

describeWithPrograms(["script"], "the keys of a new store on a terminal", () => {
  it("are hidden when they are typed, and shown nowhere later", async () => {
    const world = await makeMigrationWorld(2);
    const { words, s3 } = await secretBucket();
    const stop = watchCommandLines(SECRETS);
    const typed = [
      [/Access key/, `${ACCESS_KEY}\r`],
      [/Secret key/, `${SECRET_KEY}\r`],
    ] as const;
    const run = (args: readonly string[], answers: readonly TypedAnswer[]) =>
      runOnTerminal([...args, "--verbose", ...world.options, world.configPath], { answers, env: world.env });
    const asked = await run(
      ["migrate", "--to", "s3", "--set", "forcepathstyle=true"],
      [
        [/Bucket:/, "registry\r"],
        [/Address of the S3 server/, `${s3.endpoint}\r`],
        [/Region:/, "us-east-1\r"],
        [/Folder in the bucket/, "\r"],
        ...typed,
      ],
    );
    expect(asked.exitCode, asked.shown).toBe(0);
    expectNoSecret("the terminal", asked.shown);
    const moved = await run(["migrate", ...words, "--cutover"], [...typed, [/\(y\/N/i, "y\r"]]);
    expect(moved.exitCode, moved.shown).toBe(0);
    expect(moved.shown).toContain("secretkey: ***");
    expectNoSecret("the terminal", moved.shown);
    await expectToldWithoutSecrets(world);
    expect(stop().leaks).toEqual([]);
    expect(await readFile(world.configPath, "utf8")).toContain(SECRET_KEY);
  });
});
