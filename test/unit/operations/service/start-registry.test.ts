import { beforeEach, describe, expect, it } from "vitest";
import type { BackgroundServer } from "../../../../src/control/background-server.ts";
import {
  CancelledError,
  ConfigError,
  RegistryCtlError,
  RegistryStateError,
  StorageUnavailableError,
} from "../../../../src/errors.ts";
import { startRegistry } from "../../../../src/operations/service/start-registry.ts";
import { FakeControl, FakeRegistryHost, FakeService, statusOf } from "../../../support/fake-registry-host.ts";

let host: FakeRegistryHost;
let server: BackgroundServer & { code: number | undefined; deeds: string[] };

beforeEach(() => {
  host = new FakeRegistryHost();
  server = {
    ...{ pid: 12, log: "/state/serve.log", code: undefined, deeds: [] },
    exitCode: () => server.code,
    lastLines: () => ["error: the port is taken"],
    end: async () => void server.deeds.push("end"),
    letGo: () => void server.deeds.push("let go"),
  };
});

function start() {
  return startRegistry(host, { timeoutMs: 10_000, launch: async () => server });
}

describe("startRegistry in the background", () => {
  it("waits until all workers listen", async () => {
    host.onSleep = (count) => {
      if (count === 2) {
        host.control = new FakeControl();
        host.control.now = statusOf({
          workers: [{ pid: 13, state: "starting", startedAt: "", uploadsInFlight: 0, requestsInFlight: 0 }],
        });
      }
      if (count === 5 && host.control) host.control.now = statusOf();
    };
    expect(await start()).toEqual({
      schemaVersion: 1,
      command: "start",
      outcome: "started",
      by: "background",
      pid: 12,
      log: "/state/serve.log",
      address: "http://127.0.0.1:5000",
    });
    expect(server.deeds).toEqual(["let go"]);
    expect(host.clockMs - Date.parse("2026-03-01T12:00:00Z")).toBe(1000);
  });

  it("starts none where one runs", async () => {
    host.control = new FakeControl();
    expect(await start()).toMatchObject({ outcome: "running", pid: 12 });
    expect(server.deeds).toEqual([]);
  });

  it("waits for its own server where another one of the store is found first", async () => {
    host.onSleep = (count) => {
      host.control = new FakeControl();
      if (count < 3) host.control.now = statusOf({ pid: 77, address: "http://127.0.0.1:5001" });
    };
    expect(await start()).toMatchObject({ outcome: "started", pid: 12, address: "http://127.0.0.1:5000" });
    expect(server.deeds).toEqual(["let go"]);
  });

  it("fails where its own server gives way to one that somebody else has started meanwhile", async () => {
    host.onSleep = (count) => {
      host.control = new FakeControl();
      host.control.now = statusOf({ pid: 77 });
      if (count === 3) server.code = 12;
    };
    await expect(start()).rejects.toBeInstanceOf(RegistryStateError);
  });

  it("ends its own server where another one is what answers", async () => {
    host.onSleep = () => {
      host.control = new FakeControl();
      host.control.now = statusOf({ pid: 77 });
      host.probed = { kind: "works" };
    };
    await expect(start()).rejects.toMatchObject({
      code: "ERR_START",
      message: expect.stringMatching(
        /not within 10 seconds: process 77 serves the store; it has been ended\n/,
      ),
    });
    expect(server.deeds).toEqual(["end"]);
  });

  it("starts none beside another registry on the store, and says how that one is run", async () => {
    host.foreign = [
      { pid: 9, program: "/usr/bin/docker-registry", manager: "systemd:docker-registry.service" },
    ];
    await expect(start()).rejects.toBeInstanceOf(RegistryStateError);
    await expect(start()).rejects.toMatchObject({
      message: "the registry with process id 9 (/usr/bin/docker-registry) works on this store already",
      hint: expect.stringContaining("--service systemd:docker-registry.service"),
    });
  });

  it.each([
    [10, ConfigError],
    [11, StorageUnavailableError],
    [12, RegistryStateError],
    [1, RegistryCtlError],
  ])("fails as a server that ends with exit code %i, and shows its last lines", async (code, kind) => {
    host.onSleep = () => {
      server.code = code;
    };
    await expect(start()).rejects.toBeInstanceOf(kind);
    await expect(start()).rejects.toThrow(
      `the server ended with exit code ${code} before it served\nits last lines:\n  error: the port is taken`,
    );
  });

  it("ends a server that does not serve in time", async () => {
    await expect(start()).rejects.toMatchObject({
      code: "ERR_START",
      message: expect.stringMatching(
        /not within 10 seconds: nothing listens at its address; it has been ended\n/,
      ),
    });
    expect(server.deeds).toEqual(["end"]);
  });

  it("leaves a server alone that answers clients, but not commands", async () => {
    host.probed = { kind: "works" };
    let probes = 0;
    host.probe = async () => {
      probes++;
      return host.probed;
    };
    await expect(
      startRegistry(host, { timeoutMs: 60_000, launch: async () => server }),
    ).rejects.toMatchObject({
      code: "ERR_START",
      message: expect.stringMatching(
        /it answers at its address, but not on its control socket; process 12 is left serving\nits last lines:/,
      ),
      hint: expect.stringContaining("kill 12"),
    });
    expect(server.deeds).toEqual(["let go"]);
    // Each is a line in its log.
    expect(probes).toBeLessThan(5);
  });

  it("leaves a server alone of which some workers serve", async () => {
    host.probed = { kind: "works" };
    host.control = new FakeControl();
    const [worker] = statusOf().workers;
    if (worker === undefined) throw new Error("no worker");
    host.onSleep = () => {
      if (host.control) host.control.now = statusOf({ workers: [worker, { ...worker, state: "starting" }] });
    };
    host.findControl = async () => (server.deeds.includes("launched") ? host.control : undefined);
    const launch = async () => {
      server.deeds.push("launched");
      if (host.control) host.control.now = statusOf({ workers: [worker, { ...worker, state: "starting" }] });
      return server;
    };
    await expect(startRegistry(host, { timeoutMs: 3000, launch })).rejects.toThrow("is left serving");
    expect(server.deeds).toEqual(["launched", "let go"]);
  });

  it("ends the server when it is interrupted", async () => {
    host.onSleep = () => host.controller.abort();
    await expect(start()).rejects.toBeInstanceOf(CancelledError);
    expect(server.deeds).toEqual(["end"]);
  });
});

describe("startRegistry by a service", () => {
  beforeEach(() => {
    host.service = new FakeService();
  });

  it("waits until another registry can be read from", async () => {
    host.onSleep = (count) => {
      if (count === 3) host.probed = { kind: "denied", answer: "401 Unauthorized" };
    };
    expect(await start()).toMatchObject({
      outcome: "started",
      by: "service",
      service: "systemd:r.service",
      pid: 77,
    });
    expect(host.service?.asked).toEqual(["start"]);
    expect(server.deeds).toEqual([]);
  });

  it("tells the address of a server of ours", async () => {
    if (host.service) {
      host.service.onAsked = () => {
        host.control = new FakeControl();
      };
    }
    expect(await start()).toMatchObject({ by: "service", pid: 12, address: "http://127.0.0.1:5000" });
  });

  it("waits for the control socket of ours, whose workers may answer before", async () => {
    const service = host.service;
    if (service) {
      service.onAsked = () => {
        host.foreign = [{ pid: 12, program: "registry-ctl" }];
        host.probed = { kind: "works" };
      };
    }
    host.onSleep = (count) => {
      if (count === 4) host.control = new FakeControl();
    };
    expect(await start()).toMatchObject({ outcome: "started", address: "http://127.0.0.1:5000" });
  });

  it("takes a control socket that comes while others are looked for", async () => {
    const service = host.service;
    if (service) service.onAsked = () => void Object.assign(host, { probed: { kind: "works" } });
    host.findForeign = async () => {
      if (service?.running) host.control = new FakeControl();
      return [];
    };
    expect(await start()).toMatchObject({ address: "http://127.0.0.1:5000" });
  });

  it("does not wait for ever for a control socket that is somewhere else", async () => {
    const service = host.service;
    if (service) {
      service.onAsked = () => {
        host.foreign = [{ pid: 12, program: "registry-ctl" }];
        host.probed = { kind: "works" };
      };
    }
    expect(await startRegistry(host, { timeoutMs: 60_000, launch: async () => server })).toMatchObject({
      pid: 77,
    });
  });

  it("says with the log of the service why it does not serve", async () => {
    host.logged = ["panic: no config"];
    host.onSleep = () => {
      if (host.service) host.service.running = false;
    };
    await expect(start()).rejects.toMatchObject({
      code: "ERR_START",
      message:
        "the registry does not serve: systemd unit r.service does not run\nits last lines:\n  panic: no config",
    });
  });

  it("does not take a moment between two states for the end of a service", async () => {
    host.onSleep = (count) => {
      if (host.service) host.service.running = count === 2 ? false : count < 5 ? undefined : true;
      if (count === 6) host.probed = { kind: "works" };
    };
    expect(await start()).toMatchObject({ outcome: "started" });
  });

  it("takes what answers for the service, where that cannot tell whether it runs", async () => {
    host.foreign = [{ pid: 9 }];
    host.probed = { kind: "works" };
    if (host.service) host.service.running = undefined;
    expect(await start()).toMatchObject({ outcome: "running", service: "systemd:r.service" });
    expect(host.service?.asked).toEqual([]);
  });

  it("refuses while another process works on the store", async () => {
    host.foreign = [{ pid: 9 }];
    await expect(start()).rejects.toBeInstanceOf(RegistryStateError);
    expect(host.service?.asked).toEqual([]);
  });
});
