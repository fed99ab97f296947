import { execFileSync, spawn } from "node:child_process";
import { mkdir, mkdtemp, rename, rm, stat, symlink, utimes, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { WatchedFile } from "../../../src/lib/watched-file.ts";

let folder: string;
let path: string;
let nowMs: number;
let problems: string[];

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "watched-file-"));
  path = join(folder, "file");
  nowMs = 5_000;
  problems = [];
});

afterEach(() => rm(folder, { recursive: true, force: true }));

function watch(file = path): WatchedFile<string> {
  const parse = (bytes: Buffer): string => {
    const text = bytes.toString();
    if (!text.endsWith(".")) throw new Error(`no full stop: ${text}`);
    return text;
  };
  const onProblem = (error: unknown): void =>
    void problems.push(error instanceof Error ? error.message : "?");
  return new WatchedFile(file, parse, { onProblem, nowMs: () => nowMs });
}

function later(watched: WatchedFile<string>): string {
  nowMs += 1_000;
  return watched.current;
}

test("gives the file's value, and the new one a second after it was written in place", async () => {
  await writeFile(path, "one.");
  const watched = watch();
  expect(watched.current).toBe("one.");
  await writeFile(path, "two.");
  nowMs += 999;
  expect(watched.current).toBe("one.");
  nowMs += 1;
  expect(watched.current).toBe("two.");
  expect(problems).toEqual([]);
});

test("counts a version for each value that was replaced, and none for a file that was only touched", async () => {
  await writeFile(path, "one.");
  const watched = watch();
  expect(watched.version).toBe(0);
  later(watched);
  expect(watched.version).toBe(1);
  await utimes(path, new Date(), new Date());
  later(watched);
  expect(watched.version).toBe(1);
  await writeFile(path, "two.");
  later(watched);
  expect(watched.version).toBe(2);
});

test("sees a file that was renamed into place with the old one's length and time", async () => {
  await writeFile(path, "one.");
  const { atime, mtime } = await stat(path);
  const watched = watch();
  for (let look = 0; look < 3; look++) expect(later(watched)).toBe("one.");
  await writeFile(`${path}.new`, "two.");
  await utimes(`${path}.new`, atime, mtime);
  await rename(`${path}.new`, path);
  expect(later(watched)).toBe("two.");
});

test("sees a folder of links that was switched over", async () => {
  for (const [name, text] of [
    ["a", "one."],
    ["b", "two."],
  ] as const) {
    await mkdir(join(folder, name));
    await writeFile(join(folder, name, "file"), text);
  }
  await symlink("a", join(folder, "data"));
  await symlink("data/file", path);
  const watched = watch();
  for (let look = 0; look < 3; look++) expect(later(watched)).toBe("one.");
  await symlink("b", join(folder, "data.new"));
  await rename(join(folder, "data.new"), join(folder, "data"));
  expect(later(watched)).toBe("two.");
});

test("does not wait at a pipe that took the file's place, and tells of it once", async () => {
  await writeFile(path, "one.");
  const watched = watch();
  expect(watched.current).toBe("one.");
  await rm(path);
  execFileSync("mkfifo", [path]);
  const writer = spawn("sh", ["-c", 'sleep 5; printf two. > "$1"', "sh", path], { stdio: "ignore" });
  try {
    for (let look = 0; look < 3; look++) expect(later(watched)).toBe("one.");
  } finally {
    writer.kill();
  }
  expect(problems).toEqual([`${path} is a pipe, which is read at the start only`]);
  await rm(path);
  await writeFile(path, "six.");
  expect(later(watched)).toBe("six.");
});

test("sees a change that does not show in the file's times", async () => {
  await writeFile(path, "one.");
  const watched = watch();
  expect(watched.current).toBe("one.");
  await writeFile(path, "two.");
  expect(later(watched)).toBe("two.");
  // Straight after the look: the clock of a file system may not have moved on.
  await writeFile(path, "six.");
  expect(later(watched)).toBe("six.");
});

test("keeps the last good version and tells of a bad one once", async () => {
  await writeFile(path, "one.");
  const watched = watch();
  later(watched);
  await writeFile(path, "half");
  for (let look = 0; look < 4; look++) expect(later(watched)).toBe("one.");
  expect(problems).toEqual(["no full stop: half"]);
  expect(watched.version).toBe(1);
  await writeFile(path, "worse");
  for (let look = 0; look < 4; look++) expect(later(watched)).toBe("one.");
  expect(problems).toEqual(["no full stop: half", "no full stop: worse"]);
  await writeFile(path, "good.");
  expect(later(watched)).toBe("good.");
  expect(problems).toHaveLength(2);
});

test("keeps the last version while the file is gone, tells of it once, and takes it when it is back", async () => {
  await writeFile(path, "one.");
  const watched = watch();
  later(watched);
  await rm(path);
  for (let look = 0; look < 3; look++) expect(later(watched)).toBe("one.");
  expect(problems).toHaveLength(1);
  expect(problems[0]).toMatch(/ENOENT/);
  await writeFile(path, "two.");
  expect(later(watched)).toBe("two.");
  await rm(path);
  later(watched);
  expect(problems).toHaveLength(2);
});

test("throws for the first version, until there is one that can be used", async () => {
  const watched = watch();
  expect(() => watched.current).toThrow(/ENOENT/);
  await writeFile(path, "half");
  expect(() => watched.current).toThrow("no full stop: half");
  await writeFile(path, "one.");
  expect(watched.current).toBe("one.");
  expect(problems).toEqual([]);
});
