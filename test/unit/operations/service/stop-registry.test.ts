import { beforeEach, describe, expect, it } from "vitest";
import { CancelledError, RegistryStateError } from "../../../../src/errors.ts";
import { stopRegistry } from "../../../../src/operations/service/stop-registry.ts";
import { FakeControl, FakeRegistryHost, FakeService } from "../../../support/fake-registry-host.ts";

let host: FakeRegistryHost;

beforeEach(() => {
  host = new FakeRegistryHost();
});

function stop() {
  return stopRegistry(host, { timeoutMs: 5000 });
}

describe("stopRegistry", () => {
  it("has nothing to do where nothing runs", async () => {
    expect(await stop()).toEqual({ schemaVersion: 1, command: "stop", outcome: "nothing" });
  });

  it("asks our server, and waits for the end of its process", async () => {
    host.control = new FakeControl();
    host.alive.add(12);
    host.onSleep = (count) => {
      if (count === 4) host.alive.clear();
    };
    expect(await stop()).toMatchObject({ outcome: "stopped", by: "socket", pid: 12 });
    expect(host.control.asked).toEqual(["stop"]);
  });

  it("says what is still under way when the time is over", async () => {
    host.control = new FakeControl();
    host.alive.add(12);
    await expect(stop()).rejects.toMatchObject({
      code: "ERR_STILL_RUNNING",
      message: expect.stringContaining("still there after 5 seconds, with 1 requests under way"),
    });
  });

  it("stops waiting when it is interrupted", async () => {
    host.control = new FakeControl();
    host.alive.add(12);
    host.onSleep = () => host.controller.abort();
    await expect(stop()).rejects.toBeInstanceOf(CancelledError);
  });

  it("does not stop what something would start again", async () => {
    host.control = new FakeControl();
    host.managers.set(12, "runit:/etc/service/registry");
    await expect(stop()).rejects.toMatchObject({
      name: "RegistryStateError",
      hint: expect.stringContaining("--service runit:/etc/service/registry"),
    });
    expect(host.control.asked).toEqual([]);
  });

  it("does not stop what is not ours", async () => {
    host.foreign = [{ pid: 9 }];
    await expect(stop()).rejects.toBeInstanceOf(RegistryStateError);
  });

  it("stops by the service, ours too", async () => {
    host.service = new FakeService();
    host.service.running = true;
    host.control = new FakeControl();
    expect(await stop()).toMatchObject({
      outcome: "stopped",
      by: "service",
      service: "systemd:r.service",
      pid: 12,
    });
    expect(host.control.asked).toEqual([]);
    expect(host.service.asked).toEqual(["stop"]);
  });

  it("stops over the socket what the service does not run", async () => {
    host.service = new FakeService();
    host.control = new FakeControl();
    expect(await stop()).toMatchObject({ by: "socket" });
    expect(host.service.asked).toEqual([]);
  });

  it("waits for silence at its address where a service tells of no process", async () => {
    host.service = new FakeService();
    host.service.running = undefined;
    host.probed = { kind: "works" };
    host.onSleep = (count) => {
      if (count === 3) host.probed = { kind: "nobody" };
    };
    expect(await stop()).toMatchObject({ outcome: "stopped", by: "service" });
    host.service.running = undefined;
    expect(await stop()).toMatchObject({ outcome: "nothing" });
    expect(host.service.asked).toEqual(["stop", "stop"]);
  });

  it("says that something still answers when the time is over", async () => {
    host.service = new FakeService();
    host.service.running = undefined;
    host.probed = { kind: "denied", answer: "401" };
    await expect(stop()).rejects.toMatchObject({
      code: "ERR_STILL_RUNNING",
      message: expect.stringContaining("something still answers at its address after 5 seconds"),
    });
  });
});
