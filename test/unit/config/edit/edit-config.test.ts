import { describe, expect, it } from "vitest";
import { type ConfigChange, editConfig } from "../../../../src/config/edit/edit-config.ts";

const READ_ONLY: ConfigChange = { path: ["storage", "maintenance", "readonly", "enabled"], value: true };

function readOnly(text: string): string {
  return editConfig(text, [READ_ONLY]);
}

describe("editConfig", () => {
  it("changes the bytes of a value and nothing else", () => {
    const text = [
      "# top",
      "version:   0.1",
      "storage:",
      "    maintenance: # careful",
      "        readonly:",
      "            enabled:   false   # on Sundays only",
      "    filesystem: {rootdirectory: /x}",
      `long: "${"word ".repeat(60)}"`,
      "",
    ].join("\n");
    expect(readOnly(text)).toBe(text.replace("  false", "  true"));
  });

  it("adds missing sections behind the last key of the one above, as far to the right as the file's others", () => {
    const text =
      "storage:\n    filesystem:\n        rootdirectory: /x # root\n    # the end\n\nhttp:\n    addr: :5000\n";
    expect(readOnly(text)).toBe(
      "storage:\n    filesystem:\n        rootdirectory: /x # root\n    maintenance:\n        readonly:\n            enabled: true\n    # the end\n\nhttp:\n    addr: :5000\n",
    );
  });

  it("adds to a one-line JSON block as it is written", () => {
    const text = 'storage: {"filesystem":{"rootdirectory":"/x"},"delete":{"enabled":true}}\nhttp: {}\n';
    expect(readOnly(text)).toBe(
      'storage: {"filesystem":{"rootdirectory":"/x"},"delete":{"enabled":true},"maintenance":{"readonly":{"enabled":true}}}\nhttp: {}\n',
    );
  });

  it("changes a value within a one-line JSON block", () => {
    const text = 'storage: {"maintenance":{"readonly":{"enabled":false}},"filesystem":{}}\n';
    expect(readOnly(text)).toBe(text.replace("false", "true"));
  });

  it("adds to braces with spaces, with several lines, with a comma at the end, and to empty ones", () => {
    expect(readOnly("storage: {filesystem: {}}\n")).toBe(
      "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\n",
    );
    expect(readOnly('storage: {\n  "filesystem": {}\n}\n')).toBe(
      'storage: {\n  "filesystem": {},\n  "maintenance": {"readonly": {"enabled": true}}\n}\n',
    );
    expect(readOnly("storage: {filesystem: {}, maintenance: {},}\n")).toBe(
      "storage: {filesystem: {}, maintenance: {readonly: {enabled: true}},}\n",
    );
  });

  it("keeps line ends of two characters, and a last line without an end", () => {
    expect(readOnly("version: 0.1\r\nstorage:\r\n  filesystem:")).toBe(
      "version: 0.1\r\nstorage:\r\n  filesystem:\r\n  maintenance:\r\n    readonly:\r\n      enabled: true",
    );
  });

  it("keeps the mark at the beginning of a file, and what follows the first document", () => {
    expect(readOnly("\uFEFFstorage: {filesystem: {}}\n...\n---\nother: 1\n")).toBe(
      "\uFEFFstorage: {filesystem: {}, maintenance: {readonly: {enabled: true}}}\n...\n---\nother: 1\n",
    );
  });

  it.each(["", " # none", " ~", " null"])("fills a section without content (%j)", (nothing) => {
    const edited = readOnly(`storage:\n  filesystem:\n  maintenance:${nothing}\nhttp: {}\n`);
    const comment = nothing.startsWith(" #") ? nothing : "";
    expect(edited).toBe(
      `storage:\n  filesystem:\n  maintenance:${comment}\n    readonly:\n      enabled: true\nhttp: {}\n`,
    );
  });

  it("makes a section of the one word that stands for it", () => {
    expect(readOnly("storage: inmemory # for tests\n")).toBe(
      "storage:\n  inmemory: {}\n  maintenance:\n    readonly:\n      enabled: true # for tests\n",
    );
  });

  it("gives a key without a value one", () => {
    expect(readOnly("storage: {maintenance: {readonly: {enabled: }}}\n")).toContain("{enabled: true ");
    expect(readOnly("storage:\n  maintenance:\n    readonly:\n      enabled: # what?\n")).toBe(
      "storage:\n  maintenance:\n    readonly:\n      enabled: true # what?\n",
    );
  });

  it("takes a value in quotes for a text and what YAML 1.1 calls true for true", () => {
    const text = "storage:\n  maintenance:\n    readonly:\n      enabled: ";
    expect(readOnly(`${text}"true"\n`)).toBe(`${text}true\n`);
    expect(readOnly(`${text}yes\n`)).toBe(`${text}yes\n`);
  });

  it("changes one user of an alias and leaves the others what they were", () => {
    expect(
      readOnly("m: &m {readonly: {enabled: false}, other: [1, 2]}\nstorage:\n  maintenance: *m\nn: *m\n"),
    ).toBe(
      "m: &m {readonly: {enabled: false}, other: [1, 2]}\nstorage:\n  maintenance: {readonly: {enabled: true}, other: [1, 2]}\nn: *m\n",
    );
  });

  it("changes a value with an anchor and leaves its users what they were", () => {
    expect(readOnly("storage:\n  maintenance: &m\n    readonly: {enabled: no}\nx: *m\ny: {z: *m}\n")).toBe(
      "storage:\n  maintenance: &m\n    readonly: {enabled: true}\nx: {readonly: {enabled: no}}\ny: {z: {readonly: {enabled: no}}}\n",
    );
  });

  it("goes above what is merged", () => {
    const text =
      "m: &m {maintenance: {readonly: {enabled: false}, up: x}}\nstorage:\n  <<: *m\n  filesystem: {}\n";
    expect(readOnly(text)).toBe(`${text}  maintenance: {readonly: {enabled: true}, up: x}\n`);
  });

  it("writes texts so that they stay texts, in the quotes that were there", () => {
    const edited = editConfig("http:\n  addr: \"x\"\n  host: 'h'\n", [
      { path: ["http", "addr"], value: "localhost:1" },
      { path: ["http", "host"], value: "it's" },
      { path: ["http", "prefix"], value: "on" },
      { path: ["http", "secret"], value: "a: b #c" },
    ]);
    expect(edited).toBe(
      'http:\n  addr: "localhost:1"\n  host: \'it\'\'s\'\n  prefix: "on"\n  secret: "a: b #c"\n',
    );
  });

  it("changes an item of a list", () => {
    const text = "notifications:\n  endpoints:\n    - name: a\n      url: http://a\n    - name: b\n";
    expect(editConfig(text, [{ path: ["notifications", "endpoints", "1", "disabled"], value: true }])).toBe(
      `${text}      disabled: true\n`,
    );
  });

  it.each([
    ["a: b: c\n", "config.yml:1:4"],
    ["", "no mapping"],
    ["- a\n", "no mapping"],
    ["storage: [a]\n", "no such item"],
    ["storage:\n  maintenance: no thanks\n", "storage.maintenance is a single value"],
    ["storage:\n  maintenance:\n    readonly:\n      enabled: [false]\n", "not a single value"],
  ])("refuses what it cannot change alone: %j", (text, reason) => {
    let error: unknown;
    try {
      const edited = readOnly(text);
      expect(edited).toBe("an error");
    } catch (thrown) {
      error = thrown;
    }
    expect(error).toMatchObject({ code: "ERR_CONFIG" });
    expect(`${String(error)} ${error instanceof Error && "hint" in error ? error.hint : ""}`).toContain(
      reason,
    );
  });

  it("refuses a value that holds itself", () => {
    expect(() => readOnly("storage: &s\n  maintenance: *s\n")).toThrow();
  });
});
