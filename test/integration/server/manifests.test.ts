import { afterAll, beforeAll, describe, expect, it, vi } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1_SIGNED,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../../src/oci/media-types.ts";
import { blobDataPath } from "../../../src/registry/paths.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import {
  descriptorOf,
  imageManifest,
  indexManifest,
  type Pushed,
  pushBlob,
  pushImage,
  pushManifest,
  putManifest,
} from "../../support/push-image.ts";

const NAME = "some/repo";
const MISSING = digestOf(Buffer.from("never pushed"));

let server: InProcessServer;
let config: Pushed;
let layer: Pushed;

beforeAll(async () => {
  server = await startInProcessServer();
  config = await pushBlob(server.url, NAME, "{}");
  layer = await pushBlob(server.url, NAME, "a layer");
});
afterAll(() => server.close());

function get(reference: string, headers: Record<string, string> = {}, method = "GET"): Promise<Response> {
  // fetch adds an Accept header of its own; a wildcard is what it means.
  return fetch(`${server.url}/v2/${NAME}/manifests/${reference}`, {
    method,
    headers: { Accept: "*/*", ...headers },
  });
}

function put(reference: string, manifest: Record<string, unknown>): Promise<Response> {
  return putManifest(server.url, NAME, reference, manifest);
}

async function codesOf(response: Response): Promise<string[]> {
  const body = (await response.json()) as { errors: { code: string }[] };
  return body.errors.map((error) => error.code);
}

async function expectRoundTrip(reference: string, pushed: Pushed): Promise<void> {
  const response = await get(reference);
  expect(response.status).toBe(200);
  expect(Buffer.from(await response.arrayBuffer())).toEqual(pushed.bytes);
  expect(Object.fromEntries(response.headers)).toMatchObject({
    "content-type": pushed.mediaType,
    "content-length": String(pushed.bytes.length),
    "docker-content-digest": pushed.digest,
    etag: `"${pushed.digest}"`,
  });
  const head = await get(reference, {}, "HEAD");
  expect(head.status).toBe(200);
  expect(head.headers.get("content-length")).toBe(String(pushed.bytes.length));
  expect(await head.text()).toBe("");
}

describe("pushing and pulling", () => {
  const dataSets: [string, () => Record<string, unknown>][] = [
    ["an image", () => imageManifest(config, [layer])],
    ["an image with the same layer twice", () => imageManifest(config, [layer, layer])],
    ["an image without layers", () => imageManifest(config, [])],
    ["a Docker image", () => imageManifest(config, [layer], { mediaType: DOCKER_MANIFEST })],
    ["fields of its own", () => imageManifest(config, [layer], { "org.example.field": { deep: [1, "ü"] } })],
    ["annotations", () => imageManifest(config, [layer], { annotations: { "org.example.key": "value" } })],
    ["an artifact", () => imageManifest(config, [layer], { artifactType: "application/vnd.example" })],
    [
      "a missing subject",
      () => imageManifest(config, [], { subject: { ...descriptorOf(layer), digest: MISSING } }),
    ],
    ["an empty index", () => indexManifest([])],
    [
      "embedded data",
      () =>
        imageManifest({ ...config, bytes: config.bytes }, [], {
          config: { ...descriptorOf(config), data: config.bytes.toString("base64") },
        }),
    ],
    [
      "non-distributable layers that are elsewhere",
      () =>
        imageManifest(config, [], {
          layers: [
            {
              mediaType: "application/vnd.oci.image.layer.nondistributable.v1.tar+gzip",
              digest: MISSING,
              size: 123,
              urls: ["https://layers.example/1"],
            },
          ],
        }),
    ],
  ];

  it.each(dataSets)("keeps %s byte for byte", async (_, make) => {
    const byTag = await pushManifest(server.url, NAME, make(), "roundtrip");
    await expectRoundTrip("roundtrip", byTag);
    const byDigest = await pushManifest(server.url, NAME, make());
    await expectRoundTrip(byDigest.digest, byDigest);
  });

  it("keeps white space and order of keys", async () => {
    const text = `{ "mediaType" : "${OCI_MANIFEST}",\n\n "layers": [], "config": ${JSON.stringify(descriptorOf(config))},\t"schemaVersion": 2 }\n`;
    const url = `${server.url}/v2/${NAME}/manifests/spaces`;
    const headers = { "Content-Type": `${OCI_MANIFEST}; charset=utf-8` };
    const response = await fetch(url, { method: "PUT", body: text, headers });
    expect(response.status).toBe(201);
    expect(response.headers.get("docker-content-digest")).toBe(digestOf(Buffer.from(text)));
    expect(await (await get("spaces")).text()).toBe(text);
  });

  it("keeps an index, and an index of indexes", async () => {
    const image = await pushImage(server.url, NAME, "platform");
    const index = await pushManifest(server.url, NAME, indexManifest([descriptorOf(image)]), "index");
    await expectRoundTrip("index", index);
    const nested = await pushManifest(server.url, NAME, indexManifest([descriptorOf(index)]), "nested");
    await expectRoundTrip("nested", nested);
  });

  it("takes an index that lists layers, as BuildKit's caches do", async () => {
    expect((await put("buildcache", indexManifest([descriptorOf(layer), descriptorOf(config)]))).status).toBe(
      201,
    );
  });

  it("tells where the manifest is, and its subject", async () => {
    const subject = await pushImage(server.url, NAME, "subject");
    const manifest = imageManifest(config, [layer], { subject: descriptorOf(subject) });
    const digest = digestOf(Buffer.from(JSON.stringify(manifest)));
    const response = await put("with-subject", manifest);
    expect(response.status).toBe(201);
    expect(response.headers.get("location")).toBe(`${server.url}/v2/${NAME}/manifests/${digest}`);
    expect(response.headers.get("docker-content-digest")).toBe(digest);
    expect(response.headers.get("oci-subject")).toBe(subject.digest);
    expect(response.headers.get("content-length")).toBe("0");
  });

  it("stores under SHA-512, by digest and by tag", async () => {
    const manifest = imageManifest(config, [layer], { annotations: { for: "sha512" } });
    const bytes = Buffer.from(JSON.stringify(manifest));
    const digest = digestOf(bytes, "sha512");
    const pushed = { digest, bytes, mediaType: OCI_MANIFEST };
    expect((await put(digest, manifest)).status).toBe(201);
    await expectRoundTrip(digest, pushed);
    const tagged = await put(`sha512-tag?digest=${digest}`, manifest);
    expect(tagged.headers.get("docker-content-digest")).toBe(digest);
    await expectRoundTrip("sha512-tag", pushed);
  });

  it("points several tags at a manifest that is pushed by digest", async () => {
    const manifest = imageManifest(config, [layer], { annotations: { for: "tags" } });
    const digest = digestOf(Buffer.from(JSON.stringify(manifest)));
    const tags = Array.from({ length: 12 }, (_, index) => `many-${index}`);
    const query = tags.map((tag) => `tag=${tag}`).join("&");
    const response = await put(`${digest}?${query}`, manifest);
    expect(response.status).toBe(201);
    expect(response.headers.get("oci-tag")).toBe(tags.join(", "));
    for (const tag of tags) expect((await get(tag)).headers.get("docker-content-digest")).toBe(digest);
  });

  it("stores nothing if one of several tags is none", async () => {
    const manifest = imageManifest(config, [layer], { annotations: { for: "bad tags" } });
    const digest = digestOf(Buffer.from(JSON.stringify(manifest)));
    const response = await put(`${digest}?tag=good-one&tag=-bad`, manifest);
    expect(response.status).toBe(400);
    expect(await codesOf(response)).toEqual(["TAG_INVALID"]);
    expect((await get("good-one")).status).toBe(404);
    expect((await get(digest)).status).toBe(404);
  });

  it("moves a tag, and keeps what it pointed to", async () => {
    const first = await pushImage(server.url, NAME, "first", "moving");
    const second = await pushImage(server.url, NAME, "second", "moving");
    expect((await get("moving")).headers.get("docker-content-digest")).toBe(second.digest);
    expect((await get(first.digest)).status).toBe(200);
  });

  it("answers 304 to a client that has the manifest", async () => {
    const image = await pushImage(server.url, NAME, "cached", "cached");
    const response = await get("cached", { "If-None-Match": `"${image.digest}"` });
    expect(response.status).toBe(304);
    expect(await response.text()).toBe("");
  });
});

describe("refusing manifests", () => {
  it("lists every missing reference", async () => {
    const other = digestOf(Buffer.from("also never pushed"));
    const manifest = imageManifest(config, [
      { ...layer, digest: MISSING },
      { ...layer, digest: other },
      { ...layer, digest: MISSING },
    ]);
    const response = await put("broken", manifest);
    expect(response.status).toBe(400);
    expect(await response.json()).toMatchObject({
      errors: [
        { code: "MANIFEST_BLOB_UNKNOWN", detail: { digest: MISSING } },
        { code: "MANIFEST_BLOB_UNKNOWN", detail: { digest: other } },
      ],
    });
    expect((await get("broken")).status).toBe(404);
  });

  it("misses the children of an index, and blobs of other repositories", async () => {
    const child = { mediaType: OCI_MANIFEST, digest: MISSING, size: 10 };
    expect(await codesOf(await put("broken", indexManifest([child])))).toEqual(["MANIFEST_BLOB_UNKNOWN"]);
    const elsewhere = await pushBlob(server.url, "else/where", "of another repository");
    expect(await codesOf(await put("broken", imageManifest(config, [elsewhere])))).toEqual([
      "MANIFEST_BLOB_UNKNOWN",
    ]);
  });

  it("refuses sizes that the stored blobs do not have", async () => {
    const response = await put("broken", imageManifest(config, [{ ...layer, bytes: Buffer.alloc(3) }]));
    expect(response.status).toBe(400);
    expect(await codesOf(response)).toEqual(["SIZE_INVALID"]);
  });

  it("refuses sizes that the entries of an index do not have", async () => {
    const child = await pushImage(server.url, NAME, "entry with a wrong size");
    const cached = await pushBlob(server.url, NAME, "layer in a cache of BuildKit");
    for (const entry of [descriptorOf(child), descriptorOf(cached)]) {
      const response = await put("broken", indexManifest([{ ...entry, size: entry.size + 1 }]));
      expect(response.status).toBe(400);
      expect(await codesOf(response)).toEqual(["SIZE_INVALID"]);
    }
  });

  it("refuses bytes that do not have the digest", async () => {
    for (const reference of [MISSING, `tagged?digest=${MISSING}`]) {
      const response = await put(reference, imageManifest(config, [layer]));
      expect(response.status).toBe(400);
      expect(await codesOf(response)).toEqual(["DIGEST_INVALID"]);
    }
    expect((await get("tagged")).status).toBe(404);
  });

  it.each([
    ["no JSON", "{", OCI_MANIFEST],
    ["a list", "[]", OCI_MANIFEST],
    ["no schema version", `{"mediaType":"${OCI_MANIFEST}"}`, OCI_MANIFEST],
    [
      "a type of its own",
      '{"schemaVersion":2,"mediaType":"application/x","config":{},"layers":[]}',
      "application/x",
    ],
    [
      "another type than it was sent as",
      `{"schemaVersion":2,"mediaType":"${OCI_INDEX}","manifests":[]}`,
      OCI_MANIFEST,
    ],
    ["schema 1", '{"schemaVersion":1,"fsLayers":[],"history":[]}', DOCKER_SCHEMA1_SIGNED],
    ["deep nesting", `{"a":${"[".repeat(100_000)}${"]".repeat(100_000)}}`, OCI_MANIFEST],
    ["bytes that are not UTF-8", Buffer.from([0x7b, 0xff, 0x7d]), OCI_MANIFEST],
    ["nothing", "", OCI_MANIFEST],
  ])("refuses %s", async (_, body, type) => {
    const response = await fetch(`${server.url}/v2/${NAME}/manifests/bad`, {
      method: "PUT",
      body,
      headers: { "Content-Type": type },
    });
    expect(response.status).toBe(400);
    expect(await codesOf(response)).toEqual(["MANIFEST_INVALID"]);
  });

  it.each(["sha256:baddigeststring", "sha256:", "md5:abc"])("refuses the digest %s", async (digest) => {
    const response = await put(digest, imageManifest(config, [layer]));
    expect(response.status).toBe(400);
    expect(await codesOf(response)).toEqual(["DIGEST_INVALID"]);
  });

  it.each(["-x", ".x", "x".repeat(129), "a%20b", "a%00b"])("refuses the tag %s", async (tag) => {
    const response = await put(tag, imageManifest(config, [layer]));
    expect(response.status).toBe(400);
    expect(await codesOf(response)).toEqual(["TAG_INVALID"]);
  });

  it("takes a manifest of 4 MiB and refuses one byte more with 413", async () => {
    const limit = 4 * 1024 * 1024;
    const make = (length: number): Record<string, unknown> => {
      const empty = JSON.stringify(imageManifest(config, [], { padding: "" })).length;
      return imageManifest(config, [], { padding: "x".repeat(length - empty) });
    };
    expect((await put("large", make(limit))).status).toBe(201);
    const response = await put("large", make(limit + 1));
    expect(response.status).toBe(413);
    expect(await codesOf(response)).toEqual(["SIZE_INVALID"]);
    expect((await (await get("large")).arrayBuffer()).byteLength).toBe(limit);
  });
});

describe("finding manifests", () => {
  it("does not know what was never pushed", async () => {
    for (const reference of ["nothing", MISSING, ".INVALID_MANIFEST_NAME"]) {
      const response = await get(reference);
      expect(response.status, reference).toBe(404);
      expect(await codesOf(response)).toEqual(["MANIFEST_UNKNOWN"]);
      expect((await get(reference, {}, "HEAD")).status).toBe(404);
    }
    expect((await get("sha256:baddigeststring")).status).toBe(400);
  });

  it("gives a client that knows only images the linux/amd64 image of an index", async () => {
    const arm = await pushImage(server.url, NAME, "arm");
    const amd = await pushImage(server.url, NAME, "amd");
    const index = indexManifest([
      { ...descriptorOf(arm), platform: { os: "linux", architecture: "arm64" } },
      { ...descriptorOf(amd), platform: { os: "linux", architecture: "amd64" } },
    ]);
    const pushed = await pushManifest(server.url, NAME, index, "multi");
    const narrow = await get("multi", { Accept: `${OCI_MANIFEST}, ${DOCKER_MANIFEST}` });
    expect(narrow.headers.get("docker-content-digest")).toBe(amd.digest);
    expect(narrow.headers.get("content-type")).toBe(OCI_MANIFEST);
    expect(await narrow.text()).toBe(amd.bytes.toString());
    const wide = await get("multi", { Accept: `${OCI_MANIFEST}, ${OCI_INDEX}` });
    expect(wide.headers.get("docker-content-digest")).toBe(pushed.digest);
  });

  it("explains to a client that does not know the type why it gets nothing", async () => {
    await pushImage(server.url, NAME, "oci", "oci-only");
    const response = await get("oci-only", { Accept: DOCKER_MANIFEST });
    expect(response.status).toBe(404);
    expect(await response.json()).toMatchObject({
      errors: [
        { code: "MANIFEST_UNKNOWN", detail: { mediaType: OCI_MANIFEST, accepted: [DOCKER_MANIFEST] } },
      ],
    });
  });

  it("gives a client without Accept header what is stored", async () => {
    const list = indexManifest([], { mediaType: DOCKER_MANIFEST_LIST });
    const pushed = await pushManifest(server.url, NAME, list, "list");
    expect((await get("list", { Accept: "" })).headers.get("docker-content-digest")).toBe(pushed.digest);
  });

  it("mends a damaged manifest by the next push instead of serving it", async () => {
    const image = await pushImage(server.url, NAME, "damaged");
    const other = await startInProcessServer({ driver: server.driver });
    await server.driver.put(blobDataPath(image.digest), Buffer.from("{}"));
    const url = `${other.url}/v2/${NAME}/manifests/${image.digest}`;
    expect((await fetch(url)).status).toBe(404);
    expect(other.logged).toContainEqual(
      expect.objectContaining({ level: "error", message: "stored manifest is damaged" }),
    );
    const index = await putManifest(other.url, NAME, "on-damaged", indexManifest([descriptorOf(image)]));
    expect(await codesOf(index)).toEqual(["MANIFEST_BLOB_UNKNOWN"]);
    await pushImage(other.url, NAME, "damaged");
    expect((await fetch(url)).status).toBe(200);
    await other.close();
  });
});

describe("pins and leases of a push", () => {
  it("pins the whole closure before it validates, and leases it with the answer", async () => {
    const image = await pushImage(server.url, NAME, "closure");
    const inner = await pushManifest(server.url, NAME, indexManifest([descriptorOf(image)]));
    const subject = descriptorOf({ ...layer, digest: MISSING });
    server.coordination.everPinned.clear();
    server.coordination.leased.clear();
    const outer = await pushManifest(
      server.url,
      NAME,
      indexManifest([descriptorOf(inner)], { subject }),
      "outer",
    );
    const wanted = [outer, inner, image, image.config, image.layer, subject].flatMap(({ digest }) => [
      digest,
      `${NAME}@${digest}`,
    ]);
    expect([...server.coordination.everPinned]).toEqual(expect.arrayContaining(wanted));
    expect([...server.coordination.leased]).toEqual(expect.arrayContaining(wanted));
    await expect.poll(() => server.coordination.pinned).toEqual([]);
  });

  it("names each key once, however often indexes share what they list", async () => {
    const image = await pushImage(server.url, NAME, "shared");
    const entries = [descriptorOf(image), descriptorOf(image)];
    const indexes = await Promise.all(
      ["1", "2", "3"].map((which) =>
        pushManifest(server.url, NAME, indexManifest(entries, { annotations: { which } })),
      ),
    );
    const lease = vi.spyOn(server.coordination, "lease");
    await pushManifest(server.url, NAME, indexManifest(indexes.map(descriptorOf)));
    const keys = lease.mock.calls.flatMap(([leased]) => leased);
    lease.mockRestore();
    expect(keys).toHaveLength(2 * (1 + indexes.length + 3));
    expect(new Set(keys).size).toBe(keys.length);
  });

  it("validates from the store after waiting for condemned keys", async () => {
    const doomed = await pushBlob(server.url, NAME, "collected while the push waits");
    server.coordination.onPin = async (keys) => {
      if (keys.includes(doomed.digest)) await server.registry.repository(NAME).blobs.unlink(doomed.digest);
    };
    const response = await put("too-late", imageManifest(config, [doomed]));
    server.coordination.onPin = () => undefined;
    expect(response.status).toBe(400);
    expect(await codesOf(response)).toEqual(["MANIFEST_BLOB_UNKNOWN"]);
  });
});

describe("deleting", () => {
  it("removes a manifest and its tags", async () => {
    const image = await pushImage(server.url, NAME, "doomed", "doomed-1");
    await pushImage(server.url, NAME, "doomed", "doomed-2");
    const url = `${server.url}/v2/${NAME}/manifests/${image.digest}`;
    expect((await fetch(url, { method: "DELETE" })).status).toBe(202);
    for (const reference of [image.digest, "doomed-1", "doomed-2"]) {
      expect((await get(reference)).status).toBe(404);
    }
    const again = await fetch(url, { method: "DELETE" });
    expect(again.status).toBe(404);
    expect(await codesOf(again)).toEqual(["MANIFEST_UNKNOWN"]);
  });

  it.each(["manifests", "tags/reference"])("removes only the tag by %s", async (path) => {
    const image = await pushImage(server.url, NAME, "twice", "stays");
    await pushImage(server.url, NAME, "twice", "goes");
    const url = `${server.url}/v2/${NAME}/${path}/goes`;
    expect((await fetch(url, { method: "DELETE" })).status).toBe(202);
    expect((await get("goes")).status).toBe(404);
    expect((await get("stays")).headers.get("docker-content-digest")).toBe(image.digest);
    expect((await fetch(url, { method: "DELETE" })).status).toBe(404);
  });

  it("tells by OPTIONS that tags can be deleted", async () => {
    const url = `${server.url}/v2/${NAME}/tags/reference/any`;
    const response = await fetch(url, { method: "OPTIONS" });
    expect(response.status).toBe(200);
    expect(response.headers.get("allow")).toBe("DELETE, OPTIONS");
  });
});
