import { setImmediate } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import type { Pin } from "../../../../src/server/coordination/coordination.ts";
import { type PinAnswer, PinTable } from "../../../../src/server/coordination/pin-table.ts";

interface Question {
  keys: readonly string[];
  answer(answer: PinAnswer): void;
  fail(error: Error): void;
}

function openTable(leased: readonly string[] = []): { table: PinTable; questions: Question[] } {
  const questions: Question[] = [];
  const table = new PinTable({
    ask: (keys) =>
      new Promise((resolve, reject) => {
        questions.push({ keys, answer: resolve, fail: reject });
      }),
    isLeased: (key) => leased.includes(key),
  });
  return { table, questions };
}

function atOnce(pin: Pin | Promise<Pin>): Pin {
  if (pin instanceof Promise) throw new Error("the pin has to wait");
  return pin;
}

function onlyQuestion(questions: Question[]): Question {
  const [question] = questions;
  if (question === undefined || questions.length > 1) throw new Error(`${questions.length} questions`);
  return question;
}

async function isPending(promise: Promise<unknown>): Promise<boolean> {
  const pending = Symbol("pending");
  await setImmediate();
  return (await Promise.race([promise, Promise.resolve(pending)])) === pending;
}

describe("PinTable", () => {
  it("pins at once what nobody wants to remove", () => {
    const { table, questions } = openTable();
    atOnce(table.pin(["a", "b"]));
    table.propose(1, ["c"]);
    atOnce(table.pin(["a"]));
    expect(questions).toEqual([]);
  });

  it("replies with what is pinned or leased, and only that", () => {
    const { table } = openTable(["leased"]);
    atOnce(table.pin(["pinned"]));
    expect(table.propose(1, ["leased", "free", "pinned"])).toEqual(["leased", "pinned"]);
  });

  it("holds a key until the last of its pins is released", () => {
    const { table } = openTable();
    const first = atOnce(table.pin(["a", "a"]));
    const second = atOnce(table.pin(["a"]));
    first.release();
    first.release();
    expect(table.propose(1, ["a"])).toEqual(["a"]);
    second.release();
    expect(table.propose(2, ["a"])).toEqual([]);
  });

  it("does not ask about a condemned key that it has just replied with", () => {
    const { table } = openTable();
    atOnce(table.pin(["a"]));
    table.propose(1, ["a"]);
    atOnce(table.pin(["a"]));
  });

  it("asks once with all keys of a request, and believes that they are kept", async () => {
    const { table, questions } = openTable();
    table.propose(1, ["b", "c"]);
    const waiting = table.pin(["a", "b", "c"]);
    const question = onlyQuestion(questions);
    expect(question.keys).toEqual(["a", "b", "c"]);
    question.answer("kept");
    await waiting;
    atOnce(table.pin(["b"]));
  });

  it("pins before the answer is there, so that the next slice finds the key", () => {
    const { table } = openTable();
    table.propose(1, ["a"]);
    void table.pin(["a"]);
    expect(table.isPinned("a")).toBe(true);
    expect(table.propose(2, ["a"])).toEqual(["a"]);
  });

  it("waits for the end of the slice where it must, and then looks again", async () => {
    const { table, questions } = openTable();
    table.propose(1, ["a"]);
    const waiting = Promise.resolve(table.pin(["a"]));
    onlyQuestion(questions).answer("wait");
    expect(await isPending(waiting)).toBe(true);
    table.withdraw(2);
    expect(await isPending(waiting)).toBe(true);
    table.withdraw(1);
    await waiting;
  });

  it("does not wait for ever when the slice was withdrawn before the answer came", async () => {
    const { table, questions } = openTable();
    table.propose(1, ["a"]);
    const waiting = table.pin(["a"]);
    table.withdraw(1);
    onlyQuestion(questions).answer("wait");
    await waiting;
  });

  it("looks again at once where the key is gone", async () => {
    const { table, questions } = openTable();
    table.propose(1, ["a"]);
    const waiting = table.pin(["a"]);
    onlyQuestion(questions).answer("gone");
    await waiting;
  });

  it("goes by the same rules for keys that are found later", async () => {
    const { table, questions } = openTable();
    table.propose(1, ["b"]);
    const pin = atOnce(table.pin(["a"]));
    expect(pin.extend(["c"])).toBeUndefined();
    const waiting = pin.extend(["b"]);
    onlyQuestion(questions).answer("gone");
    await waiting;
    pin.release();
    for (const key of ["a", "b", "c"]) expect(table.isPinned(key)).toBe(false);
  });

  it("lets go of everything when the question fails", async () => {
    const { table, questions } = openTable();
    table.propose(1, ["a"]);
    const waiting = table.pin(["a", "b"]);
    onlyQuestion(questions).fail(new Error("no supervisor"));
    await expect(waiting).rejects.toThrow("no supervisor");
    expect(table.isPinned("a")).toBe(false);
    expect(table.isPinned("b")).toBe(false);
  });

  it("condemns nothing any more when the slice is withdrawn", () => {
    const { table } = openTable();
    table.propose(1, ["a"]);
    table.withdraw(1);
    atOnce(table.pin(["a"]));
  });

  it("does not take one slice for another", () => {
    const { table } = openTable();
    table.propose(1, ["a"]);
    expect(() => table.propose(1, ["b"])).toThrow("twice");
  });
});
