import { beforeEach, describe, expect, it } from "vitest";
import { RegistryStateError } from "../../../../src/errors.ts";
import { reloadRegistry } from "../../../../src/operations/service/reload-registry.ts";
import { restartRegistry } from "../../../../src/operations/service/restart-registry.ts";
import { FakeControl, FakeRegistryHost, FakeService, statusOf } from "../../../support/fake-registry-host.ts";

let host: FakeRegistryHost;

beforeEach(() => {
  host = new FakeRegistryHost();
});

function restart() {
  const launch = async () => ({
    ...{ pid: 12, log: "/state/serve.log" },
    exitCode: () => undefined,
    lastLines: () => [],
    end: async () => undefined,
    letGo: () => undefined,
  });
  return restartRegistry(host, { timeoutMs: 5000, launch, build: "b1" });
}

describe("restartRegistry", () => {
  it("gives our server new workers, also where a service runs it", async () => {
    host.service = new FakeService();
    host.service.running = true;
    host.control = new FakeControl();
    const { workers } = statusOf();
    const drained = workers.map((worker) => ({
      ...worker,
      state: "draining" as const,
      pid: worker.pid + 10,
    }));
    host.control.now = statusOf({ workers: [...workers, ...drained] });
    expect(await restart()).toMatchObject({ outcome: "replaced", by: "socket", pid: 12, workers: [13, 14] });
    expect(host.control.asked).toEqual(["restart"]);
    expect(host.service.asked).toEqual([]);
  });

  describe("of another release", () => {
    const old = statusOf({ version: "0.0.9", build: "b0" });
    let control: FakeControl;

    beforeEach(() => {
      control = new FakeControl();
      control.now = old;
      host.control = control;
      host.alive.add(old.pid);
      host.onSleep = (count) => {
        if (count === 1_500) host.alive.delete(old.pid);
      };
      control.stop = async () => {
        control.asked.push("stop");
        host.control = undefined;
      };
    });

    it("is stopped, however long that takes, and this one started as that was", async () => {
      const deeds: string[] = [];
      host.relaunched = {
        ...{ pid: 99, log: "/state/serve.log", exitCode: () => undefined, lastLines: () => [] },
        end: async () => void deeds.push("end"),
        letGo: () => void deeds.push("let go"),
      };
      const { relaunchOf } = host;
      host.relaunchOf = () => {
        const launch = relaunchOf();
        return () => {
          expect(host.alive.size).toBe(0);
          host.control = new FakeControl();
          host.control.now = statusOf({ pid: 99 });
          return launch?.() ?? expect.fail();
        };
      };
      expect(await restart()).toEqual({
        ...{ schemaVersion: 1, command: "restart", outcome: "restarted", by: "background" },
        ...{ previousVersion: "0.0.9", pid: 99, log: "/state/serve.log" },
      });
      expect(control.asked).toEqual(["stop"]);
      expect(deeds).toEqual(["let go"]);
    });

    it("is also one that does not tell its build", async () => {
      const { build: _build, ...silent } = old;
      control.now = silent;
      await expect(restart()).rejects.toThrow("is of another release");
    });

    it("is left alone where something else has started it", async () => {
      await expect(restart()).rejects.toThrow(
        "process 12 is of another release (version 0.0.9), to which no workers of this one can be given, " +
          "and was not put in the background by us",
      );
      host.managers.set(12, "systemd:r.service");
      await expect(restart()).rejects.toMatchObject({
        name: "RegistryStateError",
        hint: expect.stringContaining("--service systemd:r.service"),
      });
      expect(control.asked).toEqual([]);
    });

    it("is restarted by its service", async () => {
      host.service = new FakeService();
      host.service.running = true;
      expect(await restart()).toMatchObject({
        outcome: "restarted",
        by: "service",
        previousVersion: "0.0.9",
      });
      expect(host.service.asked).toEqual(["restart"]);
      expect(control.asked).toEqual([]);
    });
  });

  it("has another registry restarted by its service", async () => {
    host.service = new FakeService();
    host.service.running = true;
    host.probed = { kind: "works" };
    expect(await restart()).toMatchObject({ outcome: "restarted", by: "service", pid: 77 });
    expect(host.service.asked).toEqual(["restart"]);
  });

  it("says so when the service did not run before", async () => {
    host.service = new FakeService();
    host.probed = { kind: "works" };
    expect(await restart()).toMatchObject({ outcome: "started", by: "service" });
  });

  it("starts in the background what does not run", async () => {
    host.onSleep = () => {
      host.control = new FakeControl();
    };
    expect(await restart()).toMatchObject({ outcome: "started", by: "background", log: "/state/serve.log" });
  });

  it("does not restart what is not ours", async () => {
    host.foreign = [{ pid: 9 }];
    await expect(restart()).rejects.toBeInstanceOf(RegistryStateError);
  });
});

describe("reloadRegistry", () => {
  it("tells what has changed, and the settings that are in use", async () => {
    host.control = new FakeControl();
    host.control.changed = [{ key: "log.level", from: "info", to: "warn", applies: "live" }];
    expect(await reloadRegistry(host, { timeoutMs: 5000 })).toMatchObject({
      command: "reload",
      dryRun: false,
      pid: 12,
      settingsDigest: "d1",
      changed: [{ key: "log.level" }],
    });
  });

  it("says what to do where there is nothing to reload", async () => {
    await expect(reloadRegistry(host, { timeoutMs: 5000 })).rejects.toMatchObject({
      message: "the registry does not run",
      hint: expect.stringContaining("registry-ctl start"),
    });
    host.foreign = [{ pid: 9 }];
    await expect(reloadRegistry(host, { timeoutMs: 5000 })).rejects.toMatchObject({
      name: "RegistryStateError",
      hint: expect.stringContaining("registry-ctl restart"),
    });
  });
});
