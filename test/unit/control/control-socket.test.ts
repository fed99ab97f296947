import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { get, type Server } from "node:http";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Writable } from "node:stream";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { openControlClient } from "../../../src/control/control-client.ts";
import { createControlServer } from "../../../src/control/control-server.ts";
import type { CollectionEvent, Control, ServerStatus, TagSetRequest } from "../../../src/control/protocol.ts";
import {
  CancelledError,
  ConfigError,
  RegistryCtlError,
  RegistryStateError,
  UsageError,
} from "../../../src/errors.ts";
import { digestOf } from "../../../src/oci/digest.ts";

const STATUS: ServerStatus = {
  ...{ schemaVersion: 1, version: "1.2.3", pid: 4, startedAt: "2026-01-02T03:04:05.678Z" },
  ...{ settingsDigest: "d", configuredAt: "2026-01-02T03:04:05.678Z", store: "/s", address: "http://a/" },
  readOnly: { on: false, byConfiguration: false },
  ...{ workers: [], uploadsInFlight: 0, requestsInFlight: 0, logLevel: "info", problems: [] },
};

const REPORT: CollectionEvent = { type: "report", report: { deleted: 3 }, exitCode: 0 };

describe("the control socket", () => {
  let folder: string;
  let server: Server | undefined;
  let unexpected: unknown[];

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-control-"));
    unexpected = [];
  });

  afterEach(() => {
    server?.closeAllConnections();
    server?.close();
    rmSync(folder, { recursive: true, force: true });
  });

  /** A client of a server that does what is given, and refuses everything else. */
  async function clientOf(does: Partial<Control>): Promise<Control> {
    const refuse = async (): Promise<never> => {
      throw new Error("it was not to be asked for this");
    };
    const all: Control = {
      ...{ status: refuse, reload: refuse, previewReload: refuse, undoReload: refuse, restart: refuse },
      ...{ stop: refuse, setReadOnly: refuse, flushCaches: refuse, setTag: refuse, setLogLevel: refuse },
      ...{ collect: refuse, followCollection: refuse, stopCollection: refuse, holdNames: refuse },
      ...does,
    };
    server = createControlServer(all, (error) => unexpected.push(error));
    server.listen(socketPath());
    await once(server, "listening");
    return openControlClient(socketPath());
  }

  const socketPath = (): string => join(folder, "s");

  it("tells the status as it is", async () => {
    const control = await clientOf({ status: async () => STATUS });
    expect(await control.status()).toEqual(STATUS);
  });

  it("takes each wish to whom it is for, with all that belongs to it", async () => {
    const heard: unknown[] = [];
    const answer = {
      changed: [{ key: "http.addr", from: "a", applies: "restart" as const }],
      replaced: true,
      pending: [],
    };
    const readOnly = { before: STATUS.readOnly, now: { on: true, byConfiguration: false }, cutOff: 2 };
    const note = (what: unknown) => async () => void heard.push(what);
    const control = await clientOf({
      reload: async () => ({ ...answer, pending: ["reload"] }),
      previewReload: async () => ({ ...answer, pending: ["preview"] }),
      undoReload: async () => ({ ...answer, pending: ["undo"] }),
      restart: note("restart"),
      stop: note("stop"),
      flushCaches: note("flush"),
      setLogLevel: async (level) => void heard.push(level),
      setReadOnly: async (request) => {
        heard.push(request);
        return readOnly;
      },
      stopCollection: async () => true,
      setTag: async (request) => void heard.push(request),
    });
    expect((await control.reload()).pending).toEqual(["reload"]);
    expect((await control.previewReload()).pending).toEqual(["preview"]);
    expect(await control.undoReload()).toEqual({ ...answer, pending: ["undo"] });
    await control.restart();
    await control.stop();
    await control.flushCaches();
    await control.setLogLevel("debug");
    const request = { on: true, forMs: 5, reason: "räson", drainMs: 7, onlyIfReason: "x" };
    expect(await control.setReadOnly(request)).toEqual(readOnly);
    expect(await control.stopCollection()).toBe(true);
    const digest = digestOf(Buffer.from("manifest"));
    const by = { command: "tags set", ranBy: { uid: 7 } };
    const tag: TagSetRequest = { repository: "group/app", tag: "v1", digest, before: "none", by };
    await control.setTag(tag);
    expect(heard).toEqual(["restart", "stop", "flush", "debug", request, tag]);
  });

  it("lets go of names for which nobody waits any more", async () => {
    const gone = new AbortController();
    let isLetGo: Promise<unknown> | undefined;
    const control = await clientOf({
      holdNames: (_request, signal) => {
        isLetGo = new Promise((resolve) => signal?.addEventListener("abort", resolve));
        gone.abort();
        return new Promise(() => undefined);
      },
    });
    const request = { names: [{ name: "group/app", isProject: false }], reason: "move", drainMs: 60_000 };
    await expect(control.holdNames(request, gone.signal)).rejects.toThrow(CancelledError);
    await isLetGo;
    expect(isLetGo).toBeDefined();
  });

  it.each([
    { repository: "../up" },
    { tag: "../up" },
    { digest: "sha256:short" },
    { before: "whatever" },
    { before: undefined },
    { by: undefined },
    { by: {} },
  ])("passes on no request to set a tag that is none: %j", async (wrong) => {
    const control = await clientOf({});
    const digest = digestOf(Buffer.from("manifest"));
    const by = { command: "tags set", ranBy: { uid: 7 } };
    const right: TagSetRequest = { repository: "group/app", tag: "v1", digest, before: "none", by };
    // @ts-expect-error -- as from a client of another release
    await expect(control.setTag({ ...right, ...wrong })).rejects.toThrow(UsageError);
  });

  it("carries refusals with their code, hint and the class that decides on the exit code", async () => {
    const control = await clientOf({
      reload: async () => {
        throw new ConfigError("it is wrong", {
          position: { file: "c.yml", line: 3, column: 4 },
          hint: "mend it",
        });
      },
      restart: async () => {
        throw new RegistryStateError("not now");
      },
      stop: async () => {
        throw new RegistryCtlError("ERR_OF_ITS_OWN", "never");
      },
    });
    const wrong = await control.reload().catch((error: unknown) => error);
    expect(wrong).toBeInstanceOf(ConfigError);
    expect(wrong).toMatchObject({ message: "c.yml:3:4: it is wrong", hint: "mend it", code: "ERR_CONFIG" });
    await expect(control.restart()).rejects.toThrow(RegistryStateError);
    await expect(control.stop()).rejects.toMatchObject({ code: "ERR_OF_ITS_OWN", message: "never" });
    expect(unexpected).toEqual([]);
  });

  it("tells the server's log of what failed unexpectedly, and the client that something did", async () => {
    const control = await clientOf({});
    await expect(control.status()).rejects.toMatchObject({ code: "ERR_UNEXPECTED", hint: "see its log" });
    expect(unexpected).toHaveLength(1);
  });

  it("refuses what is no request, without passing it on", async () => {
    const control = await clientOf({});
    // @ts-expect-error -- as from a client of another release
    await expect(control.setLogLevel("loud")).rejects.toThrow("a log level is one of error, warn, info");
    await expect(control.setReadOnly({ on: true, forMs: -1, reason: "", drainMs: 0 })).rejects.toThrow(
      "forMs",
    );
    const tooLong = { on: true, reason: "", drainMs: 0, forMs: 1e99 };
    await expect(control.setReadOnly(tooLong)).rejects.toThrow("within a hundred years");
    await expect(control.setReadOnly({ on: true, reason: "", drainMs: 1e10 })).rejects.toThrow("a week");
    await expect(control.setReadOnly({ ...tooLong, reason: "a".repeat(2 ** 25) })).rejects.toThrow();
    // @ts-expect-error -- as above
    await expect(control.collect({ options: [1], by: "me" }, () => {})).rejects.toThrow("are texts");
    expect(unexpected).toEqual([]);
  });

  it("answers paths that are none", async () => {
    await clientOf({});
    for (const path of ["//", "/status/", "/__proto__", "*"]) {
      const answered = await new Promise<number | undefined>((resolve, reject) => {
        get({ socketPath: socketPath(), path, agent: false }, (response) => {
          response.resume();
          resolve(response.statusCode);
        }).on("error", reject);
      });
      expect(answered).toBe(409);
    }
    expect(unexpected).toEqual([]);
  });

  it("keeps no progress for somebody who listens and does not read", async () => {
    let answer: Writable | undefined;
    const progress: CollectionEvent = { type: "progress", text: "x".repeat(1000) };
    let done = (): void => {};
    const told = new Promise<void>((resolve) => {
      done = resolve;
    });
    await clientOf({
      collect: async (_request, onEvent) => {
        for (let count = 0; count < 5000; count++) onEvent(progress);
        done();
        await new Promise(() => {});
      },
    });
    server?.prependListener("request", (_request, response) => {
      answer = response;
    });
    const socket = connect(socketPath());
    socket.pause();
    const body = JSON.stringify({ options: [], by: "" });
    socket.write(`POST /collection HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    await told;
    expect(answer?.writableLength).toBeLessThan(200_000);
    socket.destroy();
  });

  it("passes the events of a collection on as they come", async () => {
    let goOn = (): void => {};
    const control = await clientOf({
      collect: async ({ options, by }, onEvent) => {
        onEvent({ type: "notice", text: `${by}: ${options.join(" ")}` });
        await new Promise<void>((resolve) => {
          goOn = resolve;
        });
        onEvent(REPORT);
      },
    });
    const events: CollectionEvent[] = [];
    const collected = control.collect({ options: ["-m"], by: "me" }, (event) => {
      events.push(event);
      goOn();
    });
    await collected;
    expect(events).toEqual([{ type: "notice", text: "me: -m" }, REPORT]);
  });

  it("says that there is nothing to follow where no collection is under way", async () => {
    const control = await clientOf({ followCollection: async () => false });
    expect(await control.followCollection(() => {})).toBe(false);
  });

  it("follows a collection to its end", async () => {
    const control = await clientOf({
      followCollection: async (onEvent) => {
        onEvent({ type: "started", id: "1", pid: 2 });
        onEvent(REPORT);
        return true;
      },
    });
    const events: CollectionEvent[] = [];
    expect(await control.followCollection((event) => events.push(event))).toBe(true);
    expect(events.map(({ type }) => type)).toEqual(["started", "report"]);
  });

  it("notices that the server ended before the collection did", async () => {
    const control = await clientOf({
      collect: async (_request, onEvent) => {
        onEvent({ type: "notice", text: "begun" });
        setTimeout(() => server?.closeAllConnections(), 20);
        await new Promise(() => {});
      },
    });
    await expect(control.collect({ options: [], by: "" }, () => {})).rejects.toMatchObject({
      code: "ERR_SERVER_GONE",
    });
  });

  it("notices a server that ended before it answered", async () => {
    const control = await clientOf({
      restart: async () => {
        server?.closeAllConnections();
      },
    });
    await expect(control.restart()).rejects.toMatchObject({ code: "ERR_SERVER_GONE" });
  });

  it("says that nobody is there", async () => {
    await expect(openControlClient(socketPath()).status()).rejects.toThrow("the server is not running");
  });
});
