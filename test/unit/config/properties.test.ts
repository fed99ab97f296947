import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { stringify } from "yaml";
import { toConfigError } from "../../../src/config/finding.ts";
import { readConfig } from "../../../src/config/read-config.ts";
import { ConfigError } from "../../../src/errors.ts";

/** Texts that YAML readers like to take for something else. */
const tricky = fc.constantFrom(
  "yes",
  "no",
  "on",
  "0.1",
  "0x1f",
  "null",
  "~",
  "1_000",
  "12:30",
  "a: b",
  "#x",
  " x ",
  "*a",
  "",
);
const text = fc.oneof(fc.string({ minLength: 1, unit: "grapheme" }), tricky);
const booleanWord = fc.constantFrom<[string, boolean]>(
  ["true", true],
  ["False", false],
  ["yes", true],
  ["OFF", false],
);

/** What a generated file says, and the settings that it must come to. */
const configs = fc.record({
  level: fc.constantFrom("error", "warn", "info", "debug", "trace"),
  formatter: fc.constantFrom("text", "json", "logstash"),
  fields: fc.dictionary(fc.stringMatching(/^[a-z]{1,8}$/), text, { maxKeys: 4 }),
  root: fc.stringMatching(/^\/[a-z0-9/ ._-]{1,20}[a-z]$/),
  threads: fc.integer({ min: 25, max: 10_000 }),
  deleteEnabled: fc.boolean(),
  readOnly: fc.boolean(),
  maxEntries: fc.integer({ min: 1, max: 100_000 }),
  port: fc.integer({ min: 0, max: 65_535 }),
  secret: text,
  relative: fc.boolean(),
  drainSeconds: fc.integer({ min: 0, max: 100_000 }),
  headers: fc.dictionary(fc.stringMatching(/^X-[A-Z][a-z]{1,8}$/), fc.array(text, { maxLength: 3 }), {
    maxKeys: 3,
  }),
  flow: fc.boolean(),
});
type Config = typeof configs extends fc.Arbitrary<infer T> ? T : never;

function fileOf(config: Config): Record<string, unknown> {
  return {
    version: 0.1,
    log: { level: config.level, formatter: config.formatter, fields: config.fields },
    storage: {
      filesystem: { rootdirectory: config.root, maxthreads: config.threads },
      delete: { enabled: config.deleteEnabled },
      maintenance: { readonly: { enabled: config.readOnly } },
    },
    http: {
      addr: `localhost:${config.port}`,
      secret: config.secret,
      relativeurls: config.relative,
      draintimeout: `${config.drainSeconds}s`,
      headers: config.headers,
    },
    catalog: { maxentries: config.maxEntries },
  };
}

/** Written as YAML 1.1, as the Go registry reads it. */
function render(value: unknown, flow = false): string {
  return stringify(value, { version: "1.1", collectionStyle: flow ? "flow" : "block", lineWidth: 0 });
}

describe("any configuration", () => {
  it("comes back as the settings that it was written from", () => {
    fc.assert(
      fc.property(configs, (config) => {
        const { settings, findings } = readConfig(render(fileOf(config), config.flow), "c.yml", {});
        expect(findings).toEqual([]);
        expect(settings).toMatchObject({
          storage: { driver: "filesystem", rootDirectory: config.root, maxThreads: config.threads },
          deleteEnabled: config.deleteEnabled,
          readOnly: config.readOnly,
          catalogMaxEntries: config.maxEntries,
        });
        expect(settings?.log).toEqual({
          level: config.level,
          formatter: config.formatter,
          fields: config.fields,
          accessLogDisabled: false,
        });
        expect(settings?.http).toMatchObject({
          addr: `localhost:${config.port}`,
          secret: config.secret,
          relativeUrls: config.relative,
          drainTimeoutMs: config.drainSeconds * 1000,
        });
        expect(settings?.http.headers).toEqual(config.headers);
      }),
    );
  });

  it("means the same whether a value stands in the file or in a variable", () => {
    const keys = ["log", "storage", "http", "catalog"] as const;
    fc.assert(
      fc.property(configs, configs, fc.constantFrom(...keys), (one, other, key) => {
        const edited = { ...fileOf(one), [key]: fileOf(other)[key] };
        const env = { [`REGISTRY_${key.toUpperCase()}`]: render(fileOf(other)[key], true) };
        const overridden = readConfig(render(fileOf(one)), "c.yml", env);
        expect(overridden.findings).toEqual([]);
        expect(overridden.settings).toEqual(readConfig(render(edited), "c.yml", {}).settings);
      }),
    );
  });

  it("means the same with the words of YAML 1.1 for booleans", () => {
    fc.assert(
      fc.property(booleanWord, booleanWord, ([word, value], [other, otherValue]) => {
        const file = `version: 0.1\nstorage: {inmemory: , delete: {enabled: ${word}}}\n`;
        const env = { REGISTRY_HTTP_RELATIVEURLS: other };
        const { settings } = readConfig(file, "c.yml", env);
        expect([settings?.deleteEnabled, settings?.http.relativeUrls]).toEqual([value, otherValue]);
      }),
    );
  });
});

/** Text made of the pieces that configurations are made of, so that more than the first token is reached. */
const pieces = fc.constantFrom(
  "version: 0.1",
  "storage:",
  "inmemory",
  "filesystem:",
  "\n",
  "\n  ",
  "\n    ",
  "- ",
  ": ",
  "{",
  "}",
  "[",
  "]",
  ",",
  "&a ",
  "*a",
  "<<: ",
  "!!str ",
  "'",
  '"',
  "|",
  ">",
  "#",
  "\t",
  "---\n",
  "...\n",
  "http:",
  "addr",
  "auth",
  "token",
  "null",
  "yes",
  "1e999",
  "0x",
  "999999999999999999999",
  "é",
  "\u0000",
  "\uFEFF",
  "? ",
  "%YAML 1.1\n",
  "log",
  "fields",
);
const anyText = fc.oneof(
  fc.string({ unit: "binary" }),
  fc.array(pieces, { maxLength: 40 }).map((all) => all.join("")),
);

describe("any text at all", () => {
  it("throws nothing, and every finding stands inside of the file", () => {
    fc.assert(
      fc.property(anyText, (content) => {
        const { findings, settings } = readConfig(content, "c.yml", {});
        const lines = content.split("\n");
        for (const { origin } of findings) {
          if (origin.kind !== "file") continue;
          const { line, column } = origin.position;
          expect(line).toBeGreaterThan(0);
          expect(line).toBeLessThanOrEqual(lines.length);
          expect(column).toBeGreaterThan(0);
          expect(column).toBeLessThanOrEqual((lines[line - 1]?.length ?? 0) + 1);
        }
        const fatal = findings.filter(({ kind }) => kind === "fatal");
        if (fatal.length > 0) expect(toConfigError(fatal)).toBeInstanceOf(ConfigError);
        expect(settings === undefined).toBe(
          fatal.length > 0 || findings.some(({ kind }) => kind === "refused"),
        );
      }),
      { numRuns: 2000 },
    );
  });

  it("throws nothing as a variable, whatever its name", () => {
    const name = fc.array(
      fc.constantFrom(
        "STORAGE",
        "S3",
        "V2",
        "HTTP",
        "TLS",
        "CLIENTCAS",
        "0",
        "1",
        "7",
        "",
        "AUTH",
        "x",
        "FILESYSTEM",
        "LOG",
        "HOOKS",
        "__proto__",
      ),
      { maxLength: 6 },
    );
    fc.assert(
      fc.property(name, anyText, (segments, value) => {
        const env = { [`REGISTRY_${segments.join("_")}`]: value };
        expect(() => readConfig("version: 0.1\nstorage: inmemory\n", "c.yml", env)).not.toThrow();
      }),
      { numRuns: 1000 },
    );
  });

  it("survives nesting without end", () => {
    for (const content of ["[".repeat(100_000), "{a: ".repeat(50_000), "- ".repeat(50_000), "&a [*a]"]) {
      expect(readConfig(content, "c.yml", {}).settings).toBeUndefined();
    }
  });
});
