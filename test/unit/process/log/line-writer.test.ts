import { spawnSync } from "node:child_process";
import { closeSync, constants, mkdtempSync, openSync, readFileSync, readSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LineWriter } from "../../../../src/process/log/line-writer.ts";

describe("LineWriter", () => {
  let folder: string;
  let path: string;

  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), "registry-ctl-lines-"));
    path = join(folder, "log");
  });

  afterEach(() => rmSync(folder, { recursive: true, force: true }));

  it("writes all lines in order", async () => {
    const descriptor = openSync(path, "a");
    const writer = new LineWriter(descriptor);
    const lines = Array.from({ length: 20_000 }, (_, index) => `line ${index} ä`);
    for (const line of lines) writer.write(line);
    await writer.flush(10_000);
    closeSync(descriptor);
    expect(readFileSync(path, "utf8")).toBe(`${lines.join("\n")}\n`);
    expect(writer.dropped).toBe(0);
  });

  it("writes what is left when the process exits", () => {
    const descriptor = openSync(path, "a");
    const writer = new LineWriter(descriptor);
    writer.write("one");
    writer.write("two");
    writer.flushSync();
    closeSync(descriptor);
    expect(readFileSync(path, "utf8")).toBe("one\ntwo\n");
  });

  it("drops and counts lines instead of waiting for a reader that does not read", async () => {
    spawnSync("mkfifo", [path]);
    // Reading must not block: the writer needs the event loop for its next write.
    const reader = openSync(path, constants.O_RDWR | constants.O_NONBLOCK);
    const descriptor = openSync(path, "w");
    const writer = new LineWriter(descriptor);
    const line = "x".repeat(1023);
    for (let count = 0; count < 6_000; count++) writer.write(line);
    expect(writer.dropped).toBeGreaterThan(0);
    // Reads until the writer is done, so that its last write can end.
    const buffer = Buffer.alloc(1 << 16);
    const expected = (6_000 - writer.dropped) * 1024;
    for (let read = 0; read < expected; ) {
      await new Promise((resolve) => setImmediate(resolve));
      read += readIfAny(reader, buffer);
    }
    await writer.flush(10_000);
    closeSync(descriptor);
    closeSync(reader);
  });

  it("goes on when the reader has gone away", async () => {
    spawnSync("mkfifo", [path]);
    const reader = openSync(path, "r+");
    const descriptor = openSync(path, "w");
    closeSync(reader);
    const writer = new LineWriter(descriptor);
    writer.write("nobody reads this");
    await writer.flush(10_000);
    writer.write("nor this");
    expect(writer.dropped).toBeGreaterThanOrEqual(1);
    closeSync(descriptor);
  });
});

function readIfAny(descriptor: number, buffer: Buffer): number {
  try {
    return readSync(descriptor, buffer, 0, buffer.length, null);
  } catch (error) {
    if (error instanceof Error && "code" in error && error.code === "EAGAIN") return 0;
    throw error;
  }
}
