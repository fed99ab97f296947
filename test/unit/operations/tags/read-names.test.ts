import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { readNames } from "../../../../src/operations/tags/read-names.ts";

async function* chunks(...texts: (string | Uint8Array)[]): AsyncGenerator<string | Uint8Array> {
  yield* texts;
}

describe("a file of names", () => {
  it("may come from any system, and have blank lines", async () => {
    const text = "\ufeffv1\r\n\r\n  v2\t\nv3\r\n\n";
    expect(await readNames(chunks(Buffer.from(text)))).toEqual({
      names: ["v1", "v2", "v3"],
      duplicates: [],
      invalid: [],
    });
  });

  it("names what stands there twice, once", async () => {
    const read = await readNames(chunks("v1\nv2\nv1\nv1"));
    expect(read).toMatchObject({ names: ["v1", "v2"], duplicates: ["v1"] });
  });

  it("tells of lines that are no names, without what they could do to a terminal", async () => {
    const read = await readNames(chunks("v1\n../../etc\n\u001b[31mred\nv\0\n-x\nv2"));
    expect(read.names).toEqual(["v1", "v2"]);
    expect(read.invalid.map(({ line }) => line)).toEqual([2, 3, 4, 5]);
    // biome-ignore lint/suspicious/noControlCharactersInRegex: those are what must not be there
    for (const { text } of read.invalid) expect(text).not.toMatch(/[\u0000-\u001f]/);
  });

  it("keeps nothing of a line of ten megabytes but its beginning", async () => {
    const read = await readNames(chunks("v1\n", ...Array<string>(160).fill("x".repeat(65_536)), "\nv2\n"));
    expect(read.names).toEqual(["v1", "v2"]);
    expect(read.invalid).toEqual([{ line: 2, text: `"${"x".repeat(60)}" and so on` }]);
  });

  it("is read the same, however it is cut into pieces", async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.constantFrom("v1", "v2", "é", "", "\r", "a b", "v3 "), { maxLength: 8 }),
        fc.array(fc.nat(40), { maxLength: 5 }),
        async (lines, cuts) => {
          const bytes = Buffer.from(lines.join("\n"));
          const places = [0, ...cuts.map((cut) => Math.min(cut, bytes.length)), bytes.length].sort(
            (a, b) => a - b,
          );
          const pieces = places.slice(1).map((end, index) => bytes.subarray(places[index], end));
          expect(await readNames(chunks(...pieces))).toEqual(await readNames(chunks(bytes)));
        },
      ),
    );
  });
});
