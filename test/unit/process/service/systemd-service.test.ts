import { existsSync, readFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openService } from "../../../../src/process/service/open-service.ts";
import { readLog } from "../../../../src/process/service/read-log.ts";
import { type FakeSystemd, makeFakeSystemd } from "../../../support/fake-systemd.ts";

let folder: string;
let systemd: FakeSystemd;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-systemd-"));
  systemd = makeFakeSystemd(folder);
  systemd.addUnit("r.service", "sleep 60");
});

afterEach(async () => {
  await service().stop();
  await rm(folder, { recursive: true, force: true });
});

function service(unit = "r.service") {
  const env = { PATH: `${systemd.bin}:${process.env["PATH"]}` };
  return openService({ kind: "systemd", unit }, { env, timeoutMs: 10_000 });
}

describe("SystemdService", () => {
  it("starts, restarts and stops a unit, and tells its process", async () => {
    expect(await service().isRunning()).toBe(false);
    expect(await service().pid()).toBeUndefined();
    await service().start();
    expect(await service().isRunning()).toBe(true);
    const pid = await service().pid();
    expect(existsSync(`/proc/${pid}`)).toBe(true);
    await service().restart();
    expect(await service().pid()).not.toBe(pid);
    await service().stop();
    expect(await service().isRunning()).toBe(false);
  });

  it("has failures forgotten before it starts a unit, which systemd would not start again", async () => {
    await service().start();
    const calls = readFileSync(systemd.calls, "utf8").trim().split("\n");
    expect(calls).toEqual(["--no-ask-password reset-failed r.service", "--no-ask-password start r.service"]);
  });

  it("says what systemctl said", async () => {
    await expect(service("other.service").start()).rejects.toMatchObject({
      code: "ERR_SERVICE",
      message: expect.stringContaining("Unit other.service not found."),
    });
    await expect(service("other.service").isRunning()).rejects.toThrow(
      "there is no systemd unit other.service",
    );
  });

  it("says so where there is no systemctl", async () => {
    const nowhere = openService({ kind: "systemd", unit: "r.service" }, { env: { PATH: folder } });
    await expect(nowhere.isRunning()).rejects.toMatchObject({ code: "ERR_SERVICE" });
  });

  it("finds its log in the journal", async () => {
    systemd.addUnit("r.service", "sh -c 'echo one; echo two; exec sleep 60'");
    await service().start();
    const log = await service().log();
    expect(log).toMatchObject({ kind: "program", file: "journalctl" });
    if (log.kind !== "program") return;
    await expect
      .poll(() => readLog({ ...log, file: join(systemd.bin, "journalctl") }, 1), { timeout: 5000 })
      .toEqual(["two"]);
  });
});
