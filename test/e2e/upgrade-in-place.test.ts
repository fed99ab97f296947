import { appendFileSync, cpSync, readFileSync, symlinkSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, it } from "vitest";
import { cleanEnvironment } from "../support/run-registry-ctl.ts";
import { makeServiceWorld, type ServiceWorld } from "../support/service-world.ts";

const PROGRAM = fileURLToPath(new URL("../..", import.meta.url));

/** An installation of the program, which may be replaced. */
function install(world: ServiceWorld) {
  const folder = join(world.folder, "program");
  for (const name of ["bin", "dist", "package.json"])
    cpSync(join(PROGRAM, name), join(folder, name), { recursive: true });
  symlinkSync(join(PROGRAM, "node_modules"), join(folder, "node_modules"));
  const run = (command: string, ...more: string[]) => {
    const ctl = command === "reload" ? [] : ["--ctl-config", world.ctlConfig];
    const args = [command, world.config, "--state-dir", world.stateDir, ...ctl, ...more];
    return execa(process.execPath, [join(folder, "bin", "registry-ctl.js"), ...args], {
      env: { ...cleanEnvironment(), ...world.env },
      ...{ extendEnv: false, reject: false, stdin: "ignore", timeout: 60_000 },
    });
  };
  const upgrade = (): void => {
    const manifest = join(folder, "package.json");
    writeFileSync(
      manifest,
      readFileSync(manifest, "utf8").replace(/"version": "[^"]+"/, '"version": "9.9.9"'),
    );
    appendFileSync(join(folder, "dist", "process", "workers", "worker.js"), "\n// another release\n");
  };
  return { run, upgrade };
}

async function serverOf(world: ServiceWorld): Promise<{ pid: number; version: string; workers: unknown[] }> {
  return JSON.parse((await world.run("status", "--json")).stdout).server;
}

it("a server of another release is stopped and started as it was, with no worker of the other one", async () => {
  const world = await makeServiceWorld();
  const { run, upgrade } = install(world);
  expect(await run("start", "--workers", "3")).toMatchObject({ exitCode: 0 });
  const before = await serverOf(world);
  expect((await run("restart")).stdout).toContain("no request was dropped");
  upgrade();
  const text = readFileSync(world.config, "utf8");
  writeFileSync(world.config, text.replace("http:\n", "http:\n  secret: another\n"));
  const reloaded = await run("reload");
  expect(reloaded).toMatchObject({ exitCode: 12, stdout: "" });
  expect(reloaded.stderr).toContain("the program has been replaced");
  const { stdout, exitCode } = await run("restart");
  expect({ exitCode, stdout }).toMatchObject({ exitCode: 0 });
  expect(stdout).toMatch(
    /^restarted: process \d+ in the background\nversion: another release than that of before/,
  );
  const after = await serverOf(world);
  expect(after).toMatchObject({ version: "9.9.9" });
  expect(after.workers).toHaveLength(3);
  expect(after.pid).not.toBe(before.pid);
  expect(await world.answer()).toBe(200);
});
