import { execFileSync } from "node:child_process";
import { describe, expect, it } from "vitest";
import { shellLine, shellWord } from "../../../src/lib/shell-word.ts";

describe("shellWord", () => {
  it("leaves plain words as they are", () => {
    expect(shellWord("/etc/registry/config.yml")).toBe("/etc/registry/config.yml");
    expect(shellWord("--older-than")).toBe("--older-than");
  });

  it("is one word to a shell, whatever is in it", () => {
    const words = ["a b", "it's", '$HOME `id` \\ "', "", "~", "=x", "*", "a;b&c", "line\nend", "ü"];
    const printed = execFileSync("sh", ["-c", `printf '%s\\0' ${shellLine(words)}`], { encoding: "utf8" });
    expect(printed.split("\0").slice(0, -1)).toEqual(words);
  });
});
