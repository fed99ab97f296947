import { describe, expect, it } from "vitest";
import { renderDiff } from "../../../src/ui/render-diff.ts";

const TEN = Array.from({ length: 20 }, (_, index) => `line ${index + 1}\n`).join("");

describe("renderDiff", () => {
  it("shows a change with three lines around it", () => {
    expect(renderDiff({ path: "/f", before: TEN, after: TEN.replace("line 10\n", "changed\n") })).toBe(
      [
        "--- /f",
        "+++ /f",
        "@@ -7,7 +7,7 @@",
        " line 7",
        " line 8",
        " line 9",
        "-line 10",
        "+changed",
        " line 11",
        " line 12",
        " line 13",
      ].join("\n"),
    );
  });

  it("joins changes that are close, and keeps those apart that are not", () => {
    const near = TEN.replace("line 5\n", "").replace("line 11\n", "");
    expect(renderDiff({ path: "/f", before: TEN, after: near }).match(/^@@.*$/gm)).toEqual([
      "@@ -2,13 +2,11 @@",
    ]);
    const far = TEN.replace("line 2\n", "").replace("line 17\n", "");
    expect(renderDiff({ path: "/f", before: TEN, after: far }).match(/^@@.*$/gm)).toEqual([
      "@@ -1,5 +1,4 @@",
      "@@ -14,7 +13,6 @@",
    ]);
  });

  it("shows a new file, and one that goes", () => {
    expect(renderDiff({ path: "/f", before: undefined, after: "a\n" })).toBe(
      "--- /dev/null\n+++ /f\n@@ -0,0 +1 @@\n+a",
    );
    expect(renderDiff({ path: "/f", before: "a\n", after: undefined })).toBe(
      "--- /f\n+++ /dev/null\n@@ -1 +0,0 @@\n-a",
    );
  });

  it("tells of a last line that gets or loses its end", () => {
    expect(renderDiff({ path: "/f", before: "a", after: "a\n" })).toContain("-a (no newline at the end)\n+a");
  });

  it("says nothing where nothing changes", () => {
    expect(renderDiff({ path: "/f", before: "a\n", after: "a\n" })).toBe("");
  });

  it("shows masked lines, a changed secret too, and nothing that commands a terminal", () => {
    const mask = (text: string): string => text.replaceAll(/secret\d/g, "***");
    const shown = renderDiff({ path: "/f", before: "x: secret1\n", after: "x: secret2\u001b[2J\n", mask });
    expect(shown).toBe("--- /f\n+++ /f\n@@ -1 +1 @@\n-x: ***\n+x: ***?[2J");
  });
});
