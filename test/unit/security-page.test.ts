import { existsSync, readFileSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const PAGE = resolve(dirname(fileURLToPath(import.meta.url)), "../../docs/SECURITY.md");
const page = readFileSync(PAGE, "utf8");

/** A row of the table of attacks ends with the file of its test and the test's title. */
const ROW = /\[[\w.-]+\]\((\.\.\/test\/[^)]+)\): "(.+?)" \|$/gm;
const rows = [...page.matchAll(ROW)].map(([, file = "", title = ""]) => ({
  file: resolve(dirname(PAGE), file),
  title,
}));

describe("docs/SECURITY.md", () => {
  it("names a test for each attack that it lists", () => {
    const attacks = page.slice(page.indexOf("## What was tried"), page.indexOf("## What is not defended"));
    const lines = attacks
      .split("\n")
      .filter((line) => line.startsWith("| ") && !/^\| (?:tried|---)/.test(line));
    expect(lines.length).toBeGreaterThan(50);
    expect(rows).toHaveLength(lines.length);
  });

  it.each(rows)("names a test that there is: $title", ({ file, title }) => {
    expect(existsSync(file), file).toBe(true);
    expect(readFileSync(file, "utf8")).toContain(title);
  });

  it("links to files that there are", () => {
    for (const [, target = ""] of page.matchAll(/\]\(([^)#]+)(?:#[^)]*)?\)/g)) {
      expect(existsSync(resolve(dirname(PAGE), target)), target).toBe(true);
    }
  });
});
