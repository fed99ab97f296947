import { createHash } from "node:crypto";
import { describe, expect, it } from "vitest";
import { isCompletedEtag } from "../../../../src/storage/s3/completed-etag.ts";

const md5 = (content: string | Uint8Array) => createHash("md5").update(content).digest();
const parts = ["one", "two"].map((content) => `"${md5(content).toString("hex")}"`);
const whole = md5(Buffer.concat([md5("one"), md5("two")])).toString("hex");

describe("the ETag of a completed upload", () => {
  it.each([
    ["is made of those of its parts", `"${whole}-2"`, parts, true],
    ["is known without quotes", `${whole}-2`, parts, true],
    ["is another for other parts of the same number", `"${"0".repeat(32)}-2"`, parts, false],
    ["is another for the same parts in another order", `"${whole}-2"`, [...parts].reverse(), false],
    ["is none of a plain object", `"${whole}"`, parts, false],
    ["tells the number of parts where those have no sums", '"opaque-2"', ['"opaque"', parts[1]], true],
    ["does not fit another number of parts", '"opaque-3"', ['"opaque"', undefined], false],
  ])("%s", (_, etag, partEtags, expected) => {
    expect(isCompletedEtag(etag, partEtags)).toBe(expected);
  });
});
