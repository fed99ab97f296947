import { mkdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { execa } from "execa";
import { expect, it } from "vitest";
import { describeAsRoot } from "../support/programs.ts";
import { cleanEnvironment } from "../support/run-registry-ctl.ts";
import { REGISTRY_CTL_PATH, writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

/** Folders of the machine that these runs see empty, and in which what they write is gone with them. */
const OWN_FOLDERS = ["/run", "/etc/systemd/system", "/etc/cron.d", "/var/lib"];

/** A machine that systemd seems to run, on which commands are run one after the other. */
async function machine(systemctl = "exit 0") {
  const folder = await temporaryFolder();
  const calls = join(folder, "calls");
  const bin = join(folder, "bin");
  mkdirSync(bin);
  writeFileSync(calls, "");
  writeFileSync(join(bin, "systemctl"), `#!/bin/sh\necho "$*" >>'${calls}'\n${systemctl}\n`, { mode: 0o755 });
  const rootDirectory = join(folder, "store");
  mkdirSync(rootDirectory);
  const config = await writeServeConfig({ rootDirectory, port: 1 });
  const run = async (...commands: string[]) => {
    const prepare = OWN_FOLDERS.map((path) => `mount -t tmpfs tmpfs ${path}`).join(" && ");
    const lines = commands.map((line) => `"$0" "$1" cron ${line} && echo "-- $?" || echo "-- $?"`);
    const script = `${prepare} && mkdir -p /run/systemd/system && { ${lines.join("; ")}; }`;
    const { PATH, ...env } = cleanEnvironment();
    return execa("unshare", ["--mount", "sh", "-c", script, process.execPath, REGISTRY_CTL_PATH], {
      env: { ...env, PATH: `${bin}:${PATH}` },
      extendEnv: false,
      reject: false,
      stdin: "ignore",
    });
  };
  return { config, run, calls: () => readFileSync(calls, "utf8").split("\n").filter(Boolean) };
}

describeAsRoot("cron on a machine that systemd runs", () => {
  it("starts a timer, stops it when it goes, and leaves a file or a timer", async () => {
    const { config, run, calls } = await machine();
    const { stdout, stderr } = await run(
      `install -m --systemd-timer --yes --quiet ${config}`,
      `install -m --yes --quiet ${config}`,
      `install -m --systemd-timer --yes --quiet ${config}`,
      "remove --yes",
      "show",
    );
    const units = ["timer", "service"].map((end) => `/etc/systemd/system/registry-garbage-collect.${end}`);
    expect(stdout.split("\n"), stderr).toEqual([
      ...units.map((path) => `written: ${path}`),
      "done: systemctl daemon-reload; systemctl enable --now registry-garbage-collect.timer",
      "-- 0",
      "written: /etc/cron.d/registry-garbage-collect",
      ...units.map((path) => `removed: ${path}`),
      "done: systemctl daemon-reload",
      "-- 0",
      "removed: /etc/cron.d/registry-garbage-collect",
      ...units.map((path) => `written: ${path}`),
      "done: systemctl daemon-reload; systemctl enable --now registry-garbage-collect.timer",
      "-- 0",
      ...units.map((path) => `removed: ${path}`),
      "done: systemctl daemon-reload",
      "-- 0",
      "nothing is installed: see registry-ctl cron install --help",
      "-- 0",
    ]);
    expect(calls()).toEqual([
      "daemon-reload",
      "enable --now registry-garbage-collect.timer",
      "disable --now registry-garbage-collect.timer",
      "daemon-reload",
      "daemon-reload",
      "enable --now registry-garbage-collect.timer",
      "disable --now registry-garbage-collect.timer",
      "daemon-reload",
    ]);
  });

  it("says what systemd has against it", async () => {
    const { config, run } = await machine("echo 'Failed to enable unit: no.' >&2; exit 1");
    const { stdout, stderr } = await run(`install --systemd-timer --yes --quiet ${config}`);
    expect(stdout).toBe("-- 1");
    expect(stderr).toMatch(/error: systemctl daemon-reload failed: exit code 1\nFailed to enable unit: no\./);
  });
});
