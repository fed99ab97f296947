import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import { DigestTable } from "../../../../src/registry/graph/digest-table.ts";

describe("DigestTable", () => {
  it("gives each digest one number and back, of both algorithms, over many growths and pages", () => {
    const table = new DigestTable();
    const digests = Array.from({ length: 150_000 }, (_, index) =>
      digestOf(Buffer.from(String(index)), index % 3 === 0 ? "sha512" : "sha256"),
    );
    const ids = digests.map((digest) => table.intern(digest));

    expect(new Set(ids).size).toBe(digests.length);
    expect(table.size).toBe(digests.length);
    expect(digests.map((digest) => table.intern(digest))).toEqual(ids);
    expect(ids.map((id) => table.digestOf(id))).toEqual(digests);
  });

  it("tells a sha256 from a sha512 that begins with the same bytes", () => {
    const table = new DigestTable();
    const short = `sha256:${"ab".repeat(32)}` as ReturnType<typeof digestOf>;
    const long = `sha512:${"ab".repeat(64)}` as ReturnType<typeof digestOf>;
    expect(table.intern(short)).not.toBe(table.intern(long));
    expect(table.digestOf(table.intern(long))).toBe(long);
  });
});
