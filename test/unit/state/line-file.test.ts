import {
  appendFileSync,
  chmodSync,
  closeSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { LineFile, openLineFiles } from "../../../src/state/line-file.ts";
import { readLines } from "../../../src/state/read-lines.ts";

let folder: string;
let path: string;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-lines-"));
  path = join(folder, "deep", "audit.jsonl");
});

afterEach(() => rmSync(folder, { recursive: true, force: true }));

function lineFile(maxBytes = 1_000_000, kept = 3): LineFile {
  return new LineFile({ path, maxBytes, kept });
}

async function readAll(): Promise<string[]> {
  const lines: string[] = [];
  for (const file of openLineFiles(path)) {
    for await (const { text } of readLines(file, 10_000)) lines.push(text);
    closeSync(file);
  }
  return lines;
}

describe("LineFile", () => {
  it("makes a file for its owner alone, in a folder that others may pass, and appends whole lines", () => {
    const file = lineFile();
    expect(file.append(["a", "b"])).toBe(2);
    expect(file.append(["c"])).toBe(1);
    file.close();
    expect(readFileSync(path, "utf8")).toBe("a\nb\nc\n");
    expect(statSync(path).mode & 0o777).toBe(0o600);
    // State of the registry's user lies in the same folder as the journal of root.
    expect(statSync(join(folder, "deep")).mode & 0o777).toBe(0o755);
  });

  it("ends a line that another process could not finish before it appends its own", async () => {
    const file = lineFile();
    file.append(["first"]);
    appendFileSync(path, '{"torn');
    file.append(["next"]);
    expect(await readAll()).toEqual(["first", '{"torn', "next"]);
  });

  it("puts a large file aside, keeps so many of them, and is read in order through all of them", async () => {
    const file = lineFile(10, 2);
    for (let number = 10; number < 18; number++) {
      file.append([`line ${number}`, "...."]);
      // Names are times.
      await new Promise((resolve) => setTimeout(resolve, 2));
    }
    file.close();
    expect(readdirSync(join(folder, "deep"))).toHaveLength(3);
    expect((await readAll()).filter((line) => line.startsWith("line"))).toEqual([
      "line 15",
      "line 16",
      "line 17",
    ]);
  });

  it("goes on in the new file when another process has put the old one aside", () => {
    const [one, other] = [lineFile(10), lineFile(10)];
    one.append(["from one, long enough"]);
    other.append(["from the other"]);
    one.append(["again"]);
    one.close();
    other.close();
    expect(readFileSync(path, "utf8")).toBe("again\n");
    expect(readdirSync(join(folder, "deep"))).toHaveLength(3);
  });

  it("goes on in a new file when somebody has moved the file away", () => {
    const file = lineFile();
    file.append(["before"]);
    renameSync(path, join(folder, "elsewhere"));
    file.append(["after"]);
    file.close();
    expect(readFileSync(path, "utf8")).toBe("after\n");
  });

  it("keeps to the open file when its path cannot be seen any more", () => {
    const file = lineFile();
    file.append(["as root"]);
    if (process.getuid?.() === 0) {
      chmodSync(join(folder, "deep"), 0o700);
      process.seteuid?.(65534);
    } else chmodSync(join(folder, "deep"), 0);
    try {
      file.append(["as somebody else"]);
    } finally {
      process.seteuid?.(0);
      if (process.getuid?.() !== 0) chmodSync(join(folder, "deep"), 0o700);
    }
    expect(readFileSync(path, "utf8")).toBe("as root\nas somebody else\n");
  });

  it("follows no symbolic link that lies in its place", () => {
    const target = join(folder, "target");
    writeFileSync(target, "");
    lineFile().append(["x"]);
    rmSync(path);
    symlinkSync(target, path);
    expect(() => lineFile().append(["x"])).toThrow();
    expect(readFileSync(target, "utf8")).toBe("");
  });

  it("throws what the system says when nothing can be written", () => {
    writeFileSync(join(folder, "deep"), "a file in the place of the folder");
    expect(() => lineFile().append(["x"])).toThrow();
  });
});

describe("openLineFiles", () => {
  it("finds nothing where there is nothing", () => {
    expect(openLineFiles(path)).toEqual([]);
    lineFile().append(["x"]);
    rmSync(path);
    expect(openLineFiles(path)).toEqual([]);
  });

  it("opens no other file of the folder", () => {
    lineFile().append(["x"]);
    for (const name of ["audit-old.jsonl", "audit.jsonl.gz", "other.jsonl", "audit-20260101.jsonl"]) {
      writeFileSync(join(folder, "deep", name), "x\n");
    }
    const files = openLineFiles(path);
    for (const file of files) closeSync(file);
    expect(files).toHaveLength(1);
  });
});
