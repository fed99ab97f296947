import { readdirSync, readFileSync } from "node:fs";
import { dirname, join, relative, resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { describe, expect, it } from "vitest";

const SRC = resolve(dirname(fileURLToPath(import.meta.url)), "../../src");

/** A layer may import its own folder, `lib`, `errors` and the layers named here: all that stand below it. */
const STORAGE_AND_BELOW = ["storage", "config", "oci"];
const REGISTRY_AND_BELOW = ["registry", ...STORAGE_AND_BELOW];
const STATE_AND_BELOW = ["control", "client", "state", ...REGISTRY_AND_BELOW];
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  cli: ["commands", "ui", "process", "operations", "server", ...STATE_AND_BELOW],
  commands: ["ui", "process", "operations", "server", ...STATE_AND_BELOW],
  ui: [],
  process: ["server", ...STATE_AND_BELOW],
  operations: STATE_AND_BELOW,
  server: STATE_AND_BELOW,
  control: REGISTRY_AND_BELOW,
  client: REGISTRY_AND_BELOW,
  state: REGISTRY_AND_BELOW,
  registry: STORAGE_AND_BELOW,
  storage: ["config", "oci"],
  config: [],
  oci: [],
  lib: [],
};

/** Packages that only some folders may import. */
const PACKAGE_HOMES: Readonly<Record<string, readonly string[]>> = {
  chalk: ["ui"],
  ora: ["ui"],
  inquirer: ["ui"],
  "cli-table3": ["ui"],
  commander: ["cli", "commands", "ui"],
  yaml: ["config", "commands"],
  winston: ["process"],
  bcrypt: ["lib"],
  execa: ["process"],
};

interface SourceFile {
  path: string;
  text: string;
  imports: string[];
}

const files = readdirSync(SRC, { recursive: true, withFileTypes: true })
  .filter((entry) => entry.isFile() && entry.name.endsWith(".ts"))
  .map((entry): SourceFile => {
    const path = join(entry.parentPath, entry.name);
    const text = readFileSync(path, "utf8");
    const imports = [...text.matchAll(/(?:\bfrom|\bimport\(|^import)\s*"([^"]+)"/gm)].map(
      (match) => match[1] ?? "",
    );
    return { path: relative(SRC, path), text, imports };
  });

function layerOf(path: string): string {
  return path.includes("/") ? path.slice(0, path.indexOf("/")) : path.replace(/\.ts$/, "");
}

describe("import layers", () => {
  it("reads the sources", () => {
    expect(files.length).toBeGreaterThan(20);
  });

  it.each(files)("$path imports downwards only", ({ path, imports }) => {
    const layer = layerOf(path);
    if (layer === "errors") return expect(imports).toEqual([]);
    const allowed = MAY_IMPORT[layer];
    expect(allowed, `src/${layer} is no known layer`).toBeDefined();
    const wrong = imports
      .filter((target) => target.startsWith("."))
      .map((target) => layerOf(relative(SRC, resolve(SRC, dirname(path), target))))
      .filter(
        (target) => target !== layer && target !== "lib" && target !== "errors" && !allowed?.includes(target),
      );
    expect(wrong).toEqual([]);
  });

  it.each(files)("$path leaves packages to the folders that wrap them", ({ path, imports }) => {
    const layer = layerOf(path);
    const wrong = imports.filter((name) => PACKAGE_HOMES[name] && !PACKAGE_HOMES[name].includes(layer));
    if (layer === "ui" && !path.startsWith("ui/options/") && imports.includes("commander"))
      wrong.push("commander");
    expect(wrong).toEqual([]);
  });

  it.each(files)("$path imports no other storage driver than its own", ({ path, imports }) => {
    const own = /^storage\/(filesystem|memory|s3|azure|gcs)\//.exec(path)?.[1];
    if (own === undefined) return;
    const targets = imports
      .filter((target) => target.startsWith("."))
      .map((target) => relative(SRC, resolve(SRC, dirname(path), target)));
    expect(
      targets.filter(
        (target) =>
          /^storage\/(filesystem|memory|s3|azure|gcs)\//.test(target) &&
          !target.startsWith(`storage/${own}/`),
      ),
    ).toEqual([]);
  });

  it.each(files)("$path leaves the process object to src/cli and src/process", ({ path, text }) => {
    if (["cli", "process"].includes(layerOf(path))) return;
    const code = text.replace(/\/\*[\s\S]*?\*\/|\/\/.*$/gm, "");
    expect(code.match(/(?<![\w."'`/-])process\.\w+/g) ?? []).toEqual([]);
    // What the runtime is made of is the same for every process.
    const imported = code.match(/import [^;]* from "(?:node:)?process";/g) ?? [];
    expect(imported.filter((line) => line !== 'import { versions } from "node:process";')).toEqual([]);
  });
});
