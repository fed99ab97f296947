import { closeSync, fstatSync, openSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setImmediate } from "node:timers/promises";
import { expect, it, onTestFinished } from "vitest";
import { readLines } from "../../../src/state/read-lines.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

async function open(content: string): Promise<number> {
  const path = join(await temporaryFolder(), "lines");
  writeFileSync(path, content);
  const file = openSync(path, "r");
  onTestFinished(() => closeSync(file));
  return file;
}

it("reads lines with their places, again and again, over parts of any size", async () => {
  const long = "x".repeat(1_500_000);
  const file = await open(`one\n\n${long}\ntwo`);
  for (let round = 0; round < 2; round++) {
    const found: [string, number][] = [];
    for await (const { text, offset } of readLines(file, 2_000_000)) found.push([text, offset]);
    expect(found).toEqual([
      ["one", 0],
      ["", 4],
      [long, 5],
      ["two", 1_500_006],
    ]);
  }
});

it("leaves out a line that is too long", async () => {
  const found: string[] = [];
  const file = await open(`one\n${"x".repeat(3_000_000)}\ntwo\n`);
  for await (const { text } of readLines(file, 100)) found.push(text);
  expect(found).toEqual(["one", "two"]);
});

it("leaves the descriptor to whoever opened it, also where reading ends early or fails", async () => {
  const file = await open("one\ntwo\n".repeat(500_000));
  for await (const { text } of readLines(file, 100)) if (text === "two") break;
  const failing = (async () => {
    for await (const { text } of readLines(file, 100)) throw new Error(text);
  })();
  await expect(failing).rejects.toThrow("one");
  for (let turn = 0; turn < 10; turn++) await setImmediate();
  expect(fstatSync(file).isFile()).toBe(true);
});
