import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import { readProtected } from "../../../../src/operations/tags/protected.ts";

const DIGEST = digestOf(Buffer.from("running"));
const OTHER = digestOf(Buffer.from("other"));

async function read(text: string) {
  const chunks = async function* (): AsyncGenerator<string> {
    yield text;
  };
  return readProtected("images.txt", chunks());
}

describe("a list of protected images", () => {
  it("protects tags and digests, whatever the host is called", async () => {
    const images = await read(`
# what runs
registry.example.com:5000/group/app:v1   # the shop
localhost/group/app:v2
group/app:v3@${DIGEST}
docker-pullable://registry.example.com/group/web@${OTHER}
nginx
`);
    expect(images.protects("group/app", "v1", undefined)).toBe(true);
    expect(images.protects("group/app", "v2", undefined)).toBe(true);
    expect(images.protects("group/app", "v3", undefined)).toBe(true);
    expect(images.protects("group/app", "v4", DIGEST)).toBe(true);
    expect(images.protects("any/where", "x", OTHER)).toBe(true);
    expect(images.protects("nginx", "latest", undefined)).toBe(true);
    expect(images.protects("group/app", "v4", undefined)).toBe(false);
    expect(images.protects("group/app", "latest", undefined)).toBe(false);
    expect([...images.digests]).toEqual([DIGEST, OTHER]);
    expect(images.unmatched()).toEqual([]);
  });

  it("takes a first part with a dot for a host or a part of the name", async () => {
    const images = await read("my.group/app:v1\n");
    expect(images.protects("my.group/app", "v1", undefined)).toBe(true);
    expect(images.protects("app", "v1", undefined)).toBe(true);
  });

  it("tells what nothing has matched", async () => {
    const images = await read(`${DIGEST}\ngroup/app:v1\nother:v1\n`);
    expect(images.unmatched()).toEqual([DIGEST, "group/app:v1", "other:v1"]);
    images.noteDigest(DIGEST);
    images.protects("group/app", "v1", undefined);
    expect(images.unmatched()).toEqual(["other:v1"]);
  });

  it("tells what is missing only where all that it could be was looked at", async () => {
    const texts = [
      "group/app:v1",
      "group/app:v2",
      `group/app@${DIGEST}`,
      `none:v1@${DIGEST}`,
      "none:v1",
      "part:v1",
      OTHER,
    ];
    const images = await read(texts.join("\n"));
    expect(images.missingIn("group/app")).toEqual([]);
    expect(images.missingInAll(new Set(["group/app", "part"]))).toEqual([`none:v1@${DIGEST}`, "none:v1"]);
    images.noteTags("group/app", ["v2", "v3"]);
    expect(images.missingIn("group/app")).toEqual(["group/app:v1"]);
    expect(images.missingInAll(new Set(["group/app", "part"]))).toEqual([
      "group/app:v1",
      `none:v1@${DIGEST}`,
      "none:v1",
    ]);
  });

  it.each([
    "group/App:v1",
    "group/app:",
    `group/app@sha256:12`,
    "a b",
    "group//app:v1",
    "@",
    "x".repeat(5000),
  ])("refuses %j with file and line", async (line) => {
    await expect(read(`# fine\n${line}\n`)).rejects.toThrow(/^images\.txt:2: not an image: /);
  });
});
