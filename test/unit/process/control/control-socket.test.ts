import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, it } from "vitest";
import { openControlClient } from "../../../../src/control/control-client.ts";
import type { Control } from "../../../../src/control/protocol.ts";
import { type ControlSocket, openControlSocket } from "../../../../src/process/control/control-socket.ts";
import type { RuntimePlace } from "../../../../src/process/control/runtime-folder.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";

let folder: string;
let lines: LoggedLine[];
let opened: ControlSocket | undefined;
let place: RuntimePlace;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-socket-"));
  place = { folder, isOwn: false, socket: join(folder, "s"), pidFile: join(folder, "pid") };
  [lines, opened] = [[], undefined];
});

afterEach(async () => {
  await opened?.close();
  rmSync(folder, { recursive: true });
});

/** Nothing but flushing is asked for here. */
function controlOf(flushCaches: Control["flushCaches"]): Control {
  const refuse = async (): Promise<never> => {
    throw new Error("it was not to be asked for this");
  };
  return {
    ...{ status: refuse, reload: refuse, previewReload: refuse, undoReload: refuse, restart: refuse },
    ...{ stop: refuse, setReadOnly: refuse, setTag: refuse, setLogLevel: refuse, flushCaches },
    ...{ collect: refuse, followCollection: refuse, stopCollection: refuse, holdNames: refuse },
  };
}

async function isFlushed(): Promise<boolean> {
  let flushed = false;
  const control = controlOf(async () => {
    flushed = true;
  });
  opened = await openControlSocket(place, control, recordingLogger(lines));
  await openControlClient(place.socket).flushCaches();
  return flushed;
}

it("is answered, and has the process id beside it", async () => {
  expect(await isFlushed()).toBe(true);
  expect(readFileSync(place.pidFile, "utf8")).toBe(`${process.pid}\n`);
  expect(lines).toEqual([]);
});

it("is answered although the process id cannot be written", async () => {
  mkdirSync(join(folder, "pid"));
  place = { ...place, pidFile: join(folder, "pid", "none", "pid") };
  expect(await isFlushed()).toBe(true);
  expect(lines).toMatchObject([{ level: "warn", message: "the pid file cannot be written" }]);
});

it("takes nobody's file away", async () => {
  writeFileSync(place.socket, "something else");
  await expect(isFlushed()).rejects.toThrow("is there, and no socket");
  expect(readFileSync(place.socket, "utf8")).toBe("something else");
});
