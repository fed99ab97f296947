import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { makeCheckReport } from "../../../src/commands/config/check-report.ts";
import { renderCheck } from "../../../src/commands/config/render.ts";
import { readConfig } from "../../../src/config/read-config.ts";

const folder = join(import.meta.dirname, "../../../fixtures/config/broken");
const names = readdirSync(folder).filter((name) => name.endsWith(".yml"));

describe("broken configurations", () => {
  it.each(names)("says what is wrong with %s as its golden file does", (name) => {
    const config = readConfig(readFileSync(join(folder, name), "utf8"), name, {});
    const report = makeCheckReport(name, config.findings);
    const output = `${renderCheck(report)}\n`;
    const golden = join(folder, name.replace(/\.yml$/, ".golden"));
    // Written only when asked for, so that a change of a message is read in review.
    if (process.env["UPDATE_GOLDEN"] === "1") writeFileSync(golden, output);
    expect(output).toBe(readFileSync(golden, "utf8"));
    expect(report.ok).toBe(false);
  });

  it("has a file for every golden output", () => {
    const goldens = readdirSync(folder).filter((name) => name.endsWith(".golden"));
    expect(goldens.map((name) => name.replace(/\.golden$/, ".yml")).sort()).toEqual(names.sort());
  });
});
