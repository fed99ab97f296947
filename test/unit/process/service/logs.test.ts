import { appendFileSync, renameSync, truncateSync, writeFileSync } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { followFile } from "../../../../src/process/service/follow-file.ts";
import { followLog } from "../../../../src/process/service/follow-log.ts";
import { readLastLines } from "../../../../src/process/service/last-lines.ts";
import { logOfProcess } from "../../../../src/process/service/process-log.ts";

let folder: string;
let path: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-logs-"));
  path = join(folder, "log");
});

afterEach(() => rm(folder, { recursive: true, force: true }));

describe("readLastLines", () => {
  it.each([
    ["", 3, []],
    ["a\nb\n", 0, []],
    ["a\nb\n", 1, ["b"]],
    ["a\nb", 1, ["b"]],
    ["a\nb\n", 5, ["a", "b"]],
    ["\n\n", 5, ["", ""]],
  ])("reads of %j the last %i", (text, count, lines) => {
    writeFileSync(path, text);
    expect(readLastLines(path, count)).toEqual(lines);
  });

  it("reads lines that are longer than a block, with characters of several bytes", () => {
    const long = "ü".repeat(100_000);
    writeFileSync(path, `first\n${long}\nlast\n`);
    expect(readLastLines(path, 2)).toEqual([long, "last"]);
  });

  it("reads nothing before an offset", () => {
    writeFileSync(path, "old\nnew\n");
    expect(readLastLines(path, 9, 4)).toEqual(["new"]);
  });

  it("has nothing of a file that is not there", () => {
    expect(readLastLines(path, 3)).toEqual([]);
  });
});

describe("followFile", () => {
  function follower(lines = 1) {
    const controller = new AbortController();
    let text = "";
    const done = (async () => {
      for await (const chunk of followFile(path, { lines, follow: true, signal: controller.signal }))
        text += chunk;
    })();
    return {
      text: () => text,
      async end() {
        controller.abort();
        await done;
        return text;
      },
    };
  }

  it("ends without --follow", async () => {
    writeFileSync(path, "a\nb\n");
    const chunks: string[] = [];
    for await (const chunk of followFile(path, {
      lines: 5,
      follow: false,
      signal: new AbortController().signal,
    }))
      chunks.push(String(chunk));
    expect(chunks.join("")).toBe("a\nb\n");
  });

  it("goes on with what is added", async () => {
    writeFileSync(path, "a\nb\n");
    const log = follower();
    await expect.poll(log.text).toBe("b\n");
    appendFileSync(path, "c\n");
    await expect.poll(log.text).toBe("b\nc\n");
    expect(await log.end()).toBe("b\nc\n");
  });

  it("goes on with a new file of the same name, after the rest of the old one", async () => {
    writeFileSync(path, "a\n");
    const log = follower();
    await expect.poll(log.text).toBe("a\n");
    renameSync(path, `${path}.1`);
    appendFileSync(`${path}.1`, "late\n");
    writeFileSync(path, "new\n");
    await expect.poll(log.text, { timeout: 3000 }).toBe("a\nlate\nnew\n");
    await log.end();
  });

  it("goes on with a file that was cut to nothing", async () => {
    writeFileSync(path, "long line\n");
    const log = follower();
    await expect.poll(log.text).toBe("long line\n");
    truncateSync(path);
    writeFileSync(path, "new\n");
    await expect.poll(log.text, { timeout: 3000 }).toBe("long line\nnew\n");
    await log.end();
  });
});

describe("followLog", () => {
  const signal = new AbortController().signal;

  it("shows what a program prints", async () => {
    const args = (lines: number, follow: boolean) => ["-c", `echo ${lines} ${follow}`];
    let text = "";
    for await (const chunk of followLog(
      { kind: "program", file: "sh", args },
      { lines: 7, follow: false, signal },
    ))
      text += Buffer.from(chunk);
    expect(text).toBe("7 false\n");
  });

  it("ends a program that goes on when it is not wanted any more", async () => {
    const controller = new AbortController();
    const source = { kind: "program" as const, file: "sh", args: () => ["-c", "echo on; exec sleep 60"] };
    for await (const _ of followLog(source, { lines: 1, follow: true, signal: controller.signal }))
      controller.abort();
    expect(controller.signal.aborted).toBe(true);
  });

  it("tells what a program that failed has said", async () => {
    const source = { kind: "program" as const, file: "sh", args: () => ["-c", "echo denied >&2; exit 1"] };
    const read = async () => {
      for await (const _ of followLog(source, { lines: 1, follow: false, signal }))
        throw new Error("nothing is shown");
    };
    await expect(read()).rejects.toMatchObject({
      code: "ERR_LOG",
      message: expect.stringContaining("denied"),
    });
  });

  it("tells which file cannot be read", async () => {
    const read = async () => {
      for await (const _ of followLog({ kind: "file", path }, { lines: 1, follow: false, signal }))
        throw new Error("nothing is shown");
    };
    await expect(read()).rejects.toMatchObject({ code: "ERR_LOG", message: expect.stringContaining(path) });
  });
});

describe("logOfProcess", () => {
  it("says why there is none of a process that does not exist", () => {
    expect(logOfProcess(2 ** 22 + 1)).toMatchObject({ kind: "none" });
  });
});
