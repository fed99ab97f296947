import fc from "fast-check";
import { expect, it } from "vitest";
import { stringify } from "yaml";
import { editConfig } from "../../../../src/config/edit/edit-config.ts";
import { parseYaml } from "../../../../src/config/parse-yaml.ts";
import { plainValue } from "../../../../src/config/plain-value.ts";

const name = fc.constantFrom("storage", "http", "maintenance", "readonly", "enabled", "a b", "x");
const scalar = fc.oneof(
  fc.boolean(),
  fc.integer(),
  fc.constantFrom("text", "on", "0x1f", "a, b", "", "#", "ü: x"),
);
const { tree } = fc.letrec((tie) => ({
  tree: fc.dictionary(
    name,
    fc.oneof({ maxDepth: 4 }, scalar, tie("tree"), fc.array(scalar, { maxLength: 3 })),
    {
      maxKeys: 4,
    },
  ),
}));

function plainOf(text: string): unknown {
  const { root, findings } = parseYaml(text, { kind: "file", file: "f" });
  expect(findings.filter(({ kind }) => kind === "fatal")).toEqual([]);
  return root && plainValue(root);
}

function at(value: unknown, path: readonly string[]): unknown {
  let found: unknown = value;
  for (const key of path) {
    if (typeof found !== "object" || found === null) return undefined;
    found = Object.entries(found).find(([each]) => each === key)?.[1];
  }
  return found;
}

it("sets what it is asked to, adds lines at most, and finds nothing to do the second time", () => {
  const style = fc.record({
    indent: fc.constantFrom(2, 4),
    crlf: fc.boolean(),
    flow: fc.boolean(),
    comments: fc.boolean(),
  });
  const path = fc.array(name, { minLength: 1, maxLength: 4 });
  let edited = 0;
  fc.assert(
    fc.property(tree, style, path, scalar, (value, { indent, crlf, flow, comments }, keys, wanted) => {
      const document = { version: "v", ...Object(value) };
      let text = flow
        ? Object.entries(document)
            .map(([key, each]) => `${JSON.stringify(key)}: ${JSON.stringify(each)}\n`)
            .join("")
        : stringify(document, { indent, lineWidth: 0, version: "1.1" });
      if (comments) text = `# head\n${text.replaceAll(/(?<=[\w}\]])\n/g, " # why\n")}# tail\n`;
      if (crlf) text = text.replaceAll("\n", "\r\n");
      const before = plainOf(text);
      let after: string;
      try {
        after = editConfig(text, [{ path: keys, value: wanted }]);
      } catch (error) {
        // A list or a text in the way.
        expect(error).toMatchObject({ code: "ERR_CONFIG" });
        expect(String(error)).not.toContain("something else");
        return;
      }
      edited++;
      expect(at(plainOf(after), keys)).toEqual(wanted);
      if (typeof before === "object" && before !== null) {
        const [first] = keys;
        const others = (all: unknown) => Object.entries(Object(all)).filter(([key]) => key !== first);
        expect(others(plainOf(after))).toEqual(others(before));
      }
      expect(after.split("\n").filter((line) => line.startsWith("# "))).toEqual(
        text.split("\n").filter((line) => line.startsWith("# ")),
      );
      expect(editConfig(after, [{ path: keys, value: wanted }])).toBe(after);
    }),
    { numRuns: 1500 },
  );
  expect(edited).toBeGreaterThan(300);
});
