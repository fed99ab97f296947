import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  InvalidManifestError,
  isManifestType,
  MAX_MANIFEST_DEPTH,
  parseManifest,
} from "../../../src/oci/manifest.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1,
  DOCKER_SCHEMA1_SIGNED,
  isForeignLayer,
  isIndexType,
  OCI_ARTIFACT,
  OCI_EMPTY,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../../src/oci/media-types.ts";

const ONE = digestOf(Buffer.from("one"));
const TWO = digestOf(Buffer.from("two"), "sha512");
const config = { mediaType: "application/vnd.oci.image.config.v1+json", digest: ONE, size: 3 };
const layer = { mediaType: "application/vnd.oci.image.layer.v1.tar", digest: TWO, size: 4 };
const image = { schemaVersion: 2, mediaType: OCI_MANIFEST, config, layers: [layer, layer] };
const index = {
  schemaVersion: 2,
  mediaType: OCI_INDEX,
  manifests: [
    {
      mediaType: OCI_MANIFEST,
      digest: ONE,
      size: 3,
      platform: { os: "linux", architecture: "arm64", variant: "v8" },
    },
  ],
};

const parse = (json: unknown, declared?: string) =>
  parseManifest(Buffer.from(JSON.stringify(json)), declared);

describe("a manifest", () => {
  it("of an image lists its config and then its layers, with repetitions", () => {
    const parsed = parse(image, OCI_MANIFEST);
    expect(parsed).toMatchObject({ mediaType: OCI_MANIFEST, kind: "image", children: [] });
    expect(parsed.blobs).toEqual([config, layer, layer]);
    expect(parsed.artifactType).toBe(config.mediaType);
  });

  it("of an index lists its entries with their platforms", () => {
    const parsed = parse(index);
    expect(parsed).toMatchObject({ kind: "index", blobs: [] });
    expect(parsed.children).toEqual([
      { mediaType: OCI_MANIFEST, digest: ONE, size: 3, platform: { os: "linux", architecture: "arm64" } },
    ]);
    expect(parse({ ...index, mediaType: DOCKER_MANIFEST_LIST }, DOCKER_MANIFEST_LIST).kind).toBe("index");
    expect(parse({ ...index, manifests: [] }).children).toEqual([]);
  });

  it("may leave out its media type only if it is an OCI one", () => {
    const { mediaType: _, ...untyped } = image;
    const { mediaType: __, ...untypedIndex } = index;
    expect(parse(untyped).mediaType).toBe(OCI_MANIFEST);
    expect(parse(untypedIndex).mediaType).toBe(OCI_INDEX);
    expect(() => parse(untyped, DOCKER_MANIFEST)).toThrow("mediaType is missing");
    expect(() => parse(untyped, OCI_INDEX)).toThrow(InvalidManifestError);
  });

  it("is refused if it is sent as another type than it says", () => {
    expect(() => parse(image, DOCKER_MANIFEST)).toThrow(`mediaType is ${JSON.stringify(OCI_MANIFEST)}`);
    expect(() => parse(image, OCI_INDEX)).toThrow(InvalidManifestError);
    expect(() => parse({ ...image, schemaVersion: 1 }, OCI_MANIFEST)).toThrow("schemaVersion is 1");
  });

  it("tells its subject, artifact type and annotations", () => {
    const subject = { mediaType: OCI_MANIFEST, digest: TWO, size: 9 };
    const parsed = parse({ ...image, subject, artifactType: "text/sbom", annotations: { a: "b" } });
    expect(parsed).toMatchObject({ subject, artifactType: "text/sbom", annotations: { a: "b" } });
    expect(parse({ ...image, config: { ...config, mediaType: OCI_EMPTY } }).artifactType).toBeUndefined();
    expect(parse({ ...index, subject, artifactType: "text/index" })).toMatchObject({
      subject,
      artifactType: "text/index",
    });
    expect(parse({ ...image, subject: null, annotations: null, layers: null })).not.toHaveProperty("subject");
  });

  it("of an artifact lists its blobs", () => {
    const artifact = { mediaType: OCI_ARTIFACT, artifactType: "text/x", blobs: [layer] };
    expect(parse(artifact, OCI_ARTIFACT)).toMatchObject({
      kind: "artifact",
      blobs: [layer],
      artifactType: "text/x",
    });
    expect(parse({ mediaType: OCI_ARTIFACT }).blobs).toEqual([]);
  });

  it("of schema 1 lists its layers, whose size it does not know", () => {
    const schema1 = { schemaVersion: 1, fsLayers: [{ blobSum: ONE }] };
    expect(parse(schema1)).toMatchObject({
      mediaType: DOCKER_SCHEMA1,
      kind: "schema1",
      blobs: [{ digest: ONE, size: -1 }],
    });
    expect(parse(schema1, DOCKER_SCHEMA1_SIGNED).mediaType).toBe(DOCKER_SCHEMA1_SIGNED);
  });

  it.each([
    ["no JSON", "x", "not JSON"],
    ["bytes that are no text", Buffer.from([0x7b, 0xff, 0x7d]), "not JSON"],
    ["a list", "[]", "not a JSON object"],
    ["an unknown type", '{"schemaVersion":2,"mediaType":"text/plain"}', "unknown media type"],
    ["an inherited name as type", '{"schemaVersion":2,"mediaType":"constructor"}', "unknown media type"],
    ["no version", JSON.stringify({ ...image, schemaVersion: undefined }), "schemaVersion is missing"],
    ["no config", JSON.stringify({ ...image, config: undefined }), "config is not a descriptor"],
    ["layers that are no list", JSON.stringify({ ...image, layers: {} }), "layers is not a list"],
    [
      "a bad digest",
      JSON.stringify({ ...image, layers: [{ ...layer, digest: "sha256:1" }] }),
      "layers[0].digest",
    ],
    [
      "a negative size",
      JSON.stringify({ ...image, layers: [layer, { ...layer, size: -1 }] }),
      "layers[1].size",
    ],
    ["a broken size", JSON.stringify({ ...image, config: { ...config, size: 1.5 } }), "config.size"],
    ["a subject that is none", JSON.stringify({ ...image, subject: "x" }), "subject is not a descriptor"],
    [
      "annotations that are no text",
      JSON.stringify({ ...image, annotations: { a: 1 } }),
      'annotations["a"] is not a string',
    ],
    [
      "an artifact type that is no text",
      JSON.stringify({ ...image, artifactType: 1 }),
      "artifactType is not a string",
    ],
    ["an index without a list", JSON.stringify({ ...index, manifests: 1 }), "manifests is not a list"],
  ])("is refused with %s, and why is said", (_what, bytes, reason) => {
    expect(() => parseManifest(Buffer.from(bytes))).toThrow(InvalidManifestError);
    expect(() => parseManifest(Buffer.from(bytes))).toThrow(reason);
  });

  it("is refused before it is parsed if it is nested too deeply", () => {
    const nested = (depth: number) => Buffer.from(`{"x":${"[".repeat(depth)}${"]".repeat(depth)}}`);
    expect(() => parseManifest(nested(MAX_MANIFEST_DEPTH))).toThrow("nested deeper");
    expect(() => parseManifest(nested(2_000_000))).toThrow("nested deeper");
    expect(() => parseManifest(nested(MAX_MANIFEST_DEPTH - 1))).toThrow("schemaVersion");
  });

  it("is read with any number of brackets, in texts or one beside the other", () => {
    const layers = Array.from({ length: 2 * MAX_MANIFEST_DEPTH }, () => layer);
    const annotations = { note: "[{".repeat(1_000) };
    expect(parse({ ...image, layers, annotations })).toMatchObject({
      blobs: { length: layers.length + 1 },
      annotations,
    });
  });

  it("keeps annotations under any name", () => {
    const annotations = JSON.parse('{"__proto__":"a","constructor":"b","":"c"}');
    expect(parse({ ...image, annotations }).annotations).toEqual(annotations);
    expect(parse({ ...image, annotations: {} }).annotations).toEqual({});
    expect(parse({ ...image, annotations: null })).not.toHaveProperty("annotations");
  });

  it("of any JSON is either read or refused as invalid", () => {
    const piece = fc.oneof(
      fc.jsonValue(),
      fc.constant(config),
      fc.constant([layer]),
      fc.constant(OCI_MANIFEST),
    );
    const keys = [
      "mediaType",
      "config",
      "layers",
      "manifests",
      "subject",
      "annotations",
      "artifactType",
      "blobs",
    ];
    const record = fc.record(Object.fromEntries(keys.map((key) => [key, piece])), { requiredKeys: [] });
    const version = fc.constantFrom(1, 2, "2", null);
    fc.assert(
      fc.property(record, version, (json, schemaVersion) => {
        try {
          const parsed = parse({ schemaVersion, ...json });
          expect(isManifestType(parsed.mediaType)).toBe(true);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidManifestError);
        }
      }),
      { numRuns: 500 },
    );
  });
});

describe("media types", () => {
  it("tell manifests, indexes and layers that are fetched elsewhere", () => {
    expect([OCI_INDEX, DOCKER_MANIFEST_LIST, OCI_MANIFEST].map(isIndexType)).toEqual([true, true, false]);
    expect(isManifestType("toString")).toBe(false);
    expect(isForeignLayer("application/vnd.oci.image.layer.nondistributable.v1.tar+zstd")).toBe(true);
    expect(isForeignLayer(layer.mediaType)).toBe(false);
  });
});
