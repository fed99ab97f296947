import { describe, expect, it } from "vitest";
import type { ReadProbeResult } from "../../../../src/client/read-probe.ts";
import type { ReloadAnswer } from "../../../../src/control/protocol.ts";
import { CancelledError, ConfigError, RegistryCtlError } from "../../../../src/errors.ts";
import { applyToServer } from "../../../../src/operations/reconfigure/apply-to-server.ts";
import { FakeControl, FakeRegistryHost, statusOf } from "../../../support/fake-registry-host.ts";

/** A server whose settings can be taken back. */
class Server extends FakeControl {
  answer: ReloadAnswer = { changed: [{ key: "log.level", applies: "live" }], replaced: true, pending: [] };
  override reload = async () => {
    this.asked.push("reload");
    return this.answer;
  };
  override undoReload = async () => {
    this.asked.push("undo");
    return this.answer;
  };
}

function world(probed: () => ReadProbeResult = () => ({ kind: "works" })) {
  const host = new FakeRegistryHost();
  const server = new Server();
  host.control = server;
  const options = { timeoutMs: 5000, probe: async () => probed() };
  return { host, server, apply: () => applyToServer(host, server, options) };
}

describe("applyToServer", () => {
  it("waits until the server is well and tells what it has taken", async () => {
    const { server, apply } = world();
    const { answer, status } = await apply();
    expect(answer.changed).toEqual([{ key: "log.level", applies: "live" }]);
    expect(status.pid).toBe(12);
    expect(server.asked).toEqual(["reload"]);
  });

  it("takes a server that wants to know who asks for well", async () => {
    const { server, apply } = world(() => ({ kind: "denied", answer: "401" }));
    await apply();
    expect(server.asked).toEqual(["reload"]);
  });

  it("waits for one that gets well late", async () => {
    let looks = 0;
    const { server, apply } = world(() =>
      ++looks < 6 ? { kind: "other", answer: "503 Service Unavailable" } : { kind: "works" },
    );
    await apply();
    expect(server.asked).toEqual(["reload"]);
  });

  it("gives a server its old settings back if it answers with an error", async () => {
    const { server, apply } = world(() => ({ kind: "other", answer: "503 Service Unavailable" }));
    await expect(apply()).rejects.toMatchObject({
      code: "ERR_RECONFIGURE",
      message: expect.stringContaining("it answers 503 Service Unavailable; it uses the old one again"),
    });
    expect(server.asked).toEqual(["reload", "undo"]);
  });

  it("gives it its old settings back if it has a problem that it did not have, and only then", async () => {
    const { server, apply } = world();
    server.now = statusOf({ problems: ["known before"] });
    await apply();
    expect(server.asked).toEqual(["reload"]);
    const { reload } = server;
    server.reload = async () => {
      server.now = statusOf({ problems: ["known before", "worker 15 died"] });
      return reload();
    };
    await expect(apply()).rejects.toThrow("worker 15 died");
    expect(server.asked).toEqual(["reload", "reload", "undo"]);
  });

  it("changes nothing if the configuration is wrong", async () => {
    const { server, apply } = world();
    server.reload = async () => {
      throw new ConfigError("bad");
    };
    await expect(apply()).rejects.toBeInstanceOf(ConfigError);
    expect(server.asked).toEqual([]);
  });

  it("does not wait for what takes effect only at a start", async () => {
    const { server, apply } = world(() => ({ kind: "nobody" }));
    server.answer = {
      changed: [{ key: "http.addr", applies: "restart" }],
      replaced: false,
      pending: ["http.addr"],
    };
    await apply();
    expect(server.asked).toEqual(["reload"]);
  });

  it("gives it its old settings back when it is stopped in between", async () => {
    const { host, server, apply } = world(() => ({ kind: "other", answer: "503" }));
    host.onSleep = (count) => count === 2 && host.controller.abort();
    await expect(apply()).rejects.toBeInstanceOf(CancelledError);
    expect(server.asked).toEqual(["reload", "undo"]);
  });

  it("says so if the old settings could not be brought back", async () => {
    const { server, apply } = world(() => ({ kind: "other", answer: "503" }));
    server.undoReload = async () => {
      throw new RegistryCtlError("ERR_SERVER_GONE", "the server ended");
    };
    await expect(apply()).rejects.toMatchObject({
      code: "ERR_RECONFIGURE",
      message: expect.stringContaining("could not be given the old one: the server ended"),
    });
  });
});
