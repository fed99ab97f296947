import { spawn } from "node:child_process";
import { once } from "node:events";
import {
  chmodSync,
  chownSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it, onTestFinished } from "vitest";
import { bucketStorage } from "../support/ceph/bucket-storage.ts";
import { findFreePort } from "../support/free-port.ts";
import { describeAsRoot } from "../support/programs.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { s3ServerOfTest } from "../support/s3-lane.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";
import { startServerProcess } from "../support/server-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const USER = 54321;

/** A bucket with a limit of requests, a configuration of root's, and a home for state of another user. */
async function prepare() {
  const s3 = await s3ServerOfTest();
  const folder = await temporaryFolder();
  chmodSync(folder, 0o755);
  const stateHome = join(folder, "home");
  mkdirSync(stateHome);
  chownSync(stateHome, USER, USER);
  const { credentials } = s3.settings("registry");
  const bucket = {
    ...{ name: "registry", endpoint: s3.endpoint },
    ...{ accessKey: credentials?.accessKey ?? "", secretKey: credentials?.secretKey ?? "" },
  };
  const storage = bucketStorage(bucket, { more: { maxrequestspersecond: 300 } });
  const port = await findFreePort();
  const configPath = await writeServeConfig({ rootDirectory: join(folder, "registry"), storage, port });
  return { folder, stateHome, port, configPath };
}

/** The one folder that is of a store. */
function stateFolderIn(folder: string): string {
  const name = readdirSync(folder).find((each) => /^[0-9a-f]{16}$/.test(each));
  return join(folder, name ?? "missing");
}

/** Of a folder and all that lies in it. */
function ownersIn(folder: string): number[] {
  const names = [".", ...readdirSync(folder, { recursive: true, encoding: "utf8" })];
  return [...new Set(names.map((name) => lstatSync(join(folder, name)).uid))];
}

/** Without a folder for state that the tests' commands are given else; what root keeps itself is gone with the command. */
function runAsRoot(args: readonly string[]) {
  const inOwnMounts = 'mount -t tmpfs tmpfs /var/lib && exec "$0" "$@"';
  return execa(
    "unshare",
    ["--mount", "sh", "-c", inOwnMounts, process.execPath, REGISTRY_CTL_PATH, ...args],
    { reject: false, stdin: "ignore" },
  );
}

describeAsRoot("root's commands on a bucket whose registry runs as another user", () => {
  it("become that user, keep its limit of requests with it and see its runs", async () => {
    const { folder, stateHome, port, configPath } = await prepare();
    const asUser = ["setpriv", `--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"] as const;
    const runtime = join(folder, "run");
    mkdirSync(runtime);
    chownSync(runtime, USER, USER);
    const env = { XDG_STATE_HOME: stateHome, XDG_RUNTIME_DIR: runtime };
    // A run of the user's, before the registry is there.
    const run = spawn(
      "setpriv",
      [...asUser.slice(1), process.execPath, REGISTRY_CTL_PATH, "garbage-collect", "--force", configPath],
      { env: { ...process.env, ...env }, stdio: "ignore" },
    );
    await once(run, "close");
    const server = await startServerProcess(
      [...asUser, process.execPath, REGISTRY_CTL_PATH, "serve", configPath, "--workers", "1"],
      { port, cwd: folder, env },
    );
    onTestFinished(async () => void (await server.stop()));
    const stateFolder = stateFolderIn(join(stateHome, "registry-ctl"));
    rmSync(join(stateFolder, "rate"), { recursive: true });

    const purge = await runAsRoot(["uploads", "purge", configPath]);
    expect(purge.exitCode, purge.stderr).toBe(0);
    expect(purge.stderr).toContain(
      `running as user ${USER} (group ${USER}), as which the registry of process ${server.pid} runs`,
    );
    expect(readdirSync(join(stateFolder, "rate"))).not.toEqual([]);
    expect(ownersIn(stateFolder)).toEqual([USER]);

    const status = await runAsRoot(["garbage-collect", "status", "--json", configPath]);
    expect(JSON.parse(status.stdout).last, status.stderr).toMatchObject({ pid: run.pid });
  });

  it.each([
    ["names the configuration", (configPath: string) => [configPath]],
    ["has a link to the configuration where it works", () => []],
  ])("stay root beside a process that looks like a registry, %s and cannot read it", async (_, argsOf) => {
    const { folder, configPath } = await prepare();
    chmodSync(configPath, 0o600);
    const cwd = join(folder, "own");
    mkdirSync(cwd);
    symlinkSync(configPath, join(cwd, "config.yml"));
    writeFileSync(join(cwd, "serve"), "begun");
    const fake = spawn(
      "setpriv",
      [`--reuid=${USER}`, `--regid=${USER}`, "--clear-groups"].concat(
        ...["bash", "-c", 'exec -a registry tail -f serve "$@"', "bash"],
        argsOf(configPath),
      ),
      { cwd, stdio: ["ignore", "pipe", "ignore"] },
    );
    onTestFinished(() => void fake.kill("SIGKILL"));
    // It shows what is in the file when it looks like a registry.
    await once(fake.stdout, "data");
    const stateDir = join(folder, "state");
    const purge = await runRegistryCtl(["uploads", "purge", "--state-dir", stateDir, configPath]);
    expect(purge.exitCode, purge.stderr).toBe(0);
    expect(purge.stderr).not.toContain("running as user");
    expect(ownersIn(stateFolderIn(stateDir))).toEqual([0]);
  });

  it("become the owner of the configuration where no registry runs, and give that user the state", async () => {
    const { folder, configPath } = await prepare();
    chownSync(configPath, USER, USER);
    const stateDir = join(folder, "state");
    const purge = await runRegistryCtl(["uploads", "purge", "--state-dir", stateDir, configPath]);
    expect(purge.stderr).toContain(`running as user ${USER} (group ${USER}), who owns ${configPath}`);
    expect(ownersIn(stateFolderIn(stateDir))).toEqual([USER]);
    chmodSync(configPath, 0o666);
    const open = await runRegistryCtl(["uploads", "list", "--state-dir", join(folder, "other"), configPath]);
    expect(open.exitCode, open.stderr).toBe(0);
    expect(open.stderr).not.toContain("running as user");
  });
});
