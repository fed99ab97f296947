import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { afterEach, beforeEach, expect, it, vi } from "vitest";
import { notifySystemd } from "../../../../src/process/control/notify-systemd.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";

let folder: string;
let lines: LoggedLine[];

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-notify-"));
  lines = [];
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(folder, { recursive: true, force: true });
});

function program(text: string): void {
  writeFileSync(join(folder, "systemd-notify"), `#!/bin/sh\n${text}\n`);
  chmodSync(join(folder, "systemd-notify"), 0o755);
  vi.stubEnv("PATH", `${folder}${delimiter}${process.env["PATH"]}`);
}

it("tells systemd for this process, where systemd wants to hear it", async () => {
  program(`echo "$@" >> ${folder}/told`);
  await notifySystemd("READY=1", recordingLogger(lines));
  expect(() => readFileSync(join(folder, "told"))).toThrow("ENOENT");
  vi.stubEnv("NOTIFY_SOCKET", "/run/systemd/notify");
  await notifySystemd("READY=1", recordingLogger(lines));
  expect(readFileSync(join(folder, "told"), "utf8")).toBe(`--pid=${process.pid} READY=1\n`);
  expect(lines).toEqual([]);
});

it("goes on where the program fails or is not there", async () => {
  vi.stubEnv("NOTIFY_SOCKET", "/run/systemd/notify");
  program("exit 1");
  await notifySystemd("READY=1", recordingLogger(lines));
  vi.stubEnv("PATH", folder);
  rmSync(join(folder, "systemd-notify"));
  await notifySystemd("STOPPING=1", recordingLogger(lines));
  expect(lines.map(({ level }) => level)).toEqual(["warn", "warn"]);
});
