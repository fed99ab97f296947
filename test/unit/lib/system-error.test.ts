import { readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { errorCodeOf, fileProblemOf } from "../../../src/lib/system-error.ts";

function failure(work: () => unknown): unknown {
  try {
    return work();
  } catch (error) {
    return error;
  }
}

describe("fileProblemOf", () => {
  it.each([
    ["no-such-file", "there is no such file"],
    [".", "it is a folder"],
    ["x".repeat(300), "ENAMETOOLONG"],
  ])("says why %s cannot be read, without naming it", (name, reason) => {
    expect(fileProblemOf(failure(() => readFileSync(join(tmpdir(), name))))).toBe(reason);
  });

  it("gives the message of an error that is not the system's", () => {
    expect(fileProblemOf(Object.assign(new Error("line 3 is damaged"), { code: "ERR_PEM" }))).toBe(
      "line 3 is damaged",
    );
    expect(fileProblemOf("thrown text")).toBe("thrown text");
  });
});

describe("errorCodeOf", () => {
  it("is empty for what has no code in text", () => {
    expect(
      [new Error("no"), Object.assign(new Error("no"), { code: 5 }), "no", undefined].map(errorCodeOf),
    ).toEqual(["", "", "", ""]);
  });
});
