import { type ChildProcess, spawn } from "node:child_process";
import { chmodSync, closeSync, mkdtempSync, openSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout as sleep } from "node:timers/promises";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { relaunchOf } from "../../../../src/process/service/relaunch-server.ts";

const NOBODY = 65_534;

describe.runIf(process.getuid?.() === 0)("starting a server again as it was started", () => {
  let folder: string;
  let child: ChildProcess | undefined;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-relaunch-"));
    chmodSync(folder, 0o755);
  });

  afterEach(() => {
    child?.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true });
  });

  async function startAs(uid: number): Promise<number> {
    const script = join(folder, "registry-ctl.js");
    writeFileSync(script, "while :; do sleep 1; done\n");
    const log = openSync(join(folder, "serve.log"), "a");
    // Every user may run a shell; the Node that runs this test may lie where only root gets to.
    child = spawn("/bin/sh", [script, "serve"], {
      uid,
      gid: uid,
      cwd: "/",
      stdio: ["ignore", log, log],
    });
    closeSync(log);
    await sleep(100);
    if (child.pid === undefined) throw new Error("it could not be started");
    return child.pid;
  }

  it("is done for a process of our own user", async () => {
    expect(relaunchOf(await startAs(0))).toBeTypeOf("function");
  });

  it("is refused to root for a process of another user, who could have its arguments and environment be anything", async () => {
    const pid = await startAs(NOBODY);
    expect(() => relaunchOf(pid)).toThrow(RegistryStateError);
  });
});
