import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Descriptor } from "../../../../src/oci/descriptor.ts";
import { parseDigest } from "../../../../src/oci/digest.ts";
import { type Manifest, parseManifest } from "../../../../src/oci/manifest.ts";
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../../../src/oci/media-types.ts";
import {
  encodeManifestRecord,
  manifestRecordBytes,
  writeManifestRecord,
} from "../../../../src/registry/graph/manifest-record.ts";
import { FIRST_OWN_TYPE, MAX_OWN_TYPES } from "../../../../src/registry/graph/manifest-record-layout.ts";
import { MediaTypeNames } from "../../../../src/registry/graph/media-type-codes.ts";
import {
  type ReferenceVisitor,
  readManifestRecord,
} from "../../../../src/registry/graph/read-manifest-record.ts";
import { InvalidManifestRecordError } from "../../../../src/registry/graph/record-bytes.ts";

const LAYER = "application/vnd.oci.image.layer.v1.tar+gzip";

function hexText(length: number): fc.Arbitrary<string> {
  return fc
    .uint8Array({ minLength: length, maxLength: length })
    .map((bytes) => Buffer.from(bytes).toString("hex"));
}

const digest = fc
  .oneof(
    hexText(32).map((hex) => `sha256:${hex}`),
    hexText(64).map((hex) => `sha512:${hex}`),
  )
  .map(parseDigest);
const size = fc.oneof(
  fc.maxSafeNat(),
  fc.constantFrom(-1, 0, 2 ** 32 - 1, 2 ** 32, 2 ** 31, Number.MAX_SAFE_INTEGER),
);
const descriptor: fc.Arbitrary<Descriptor> = fc.record({
  mediaType: fc.constantFrom(
    LAYER,
    OCI_MANIFEST,
    OCI_INDEX,
    DOCKER_MANIFEST,
    "application/x.a",
    "text/größe",
  ),
  digest,
  size,
});
const manifests: fc.Arbitrary<Manifest> = fc
  .record({
    blobs: fc.array(descriptor, { maxLength: 5 }),
    children: fc.array(descriptor, { maxLength: 5 }),
    subject: fc.option(descriptor, { nil: undefined }),
    kind: fc.constantFrom<Manifest["kind"]>("index", "image"),
  })
  .map(({ blobs, children, subject, kind }) => ({
    mediaType: kind === "index" ? OCI_INDEX : "application/x.own",
    kind,
    blobs,
    children,
    ...(subject ? { subject } : {}),
  }));

/** What a reader of a record is told, in order. */
function told(bytes: Uint8Array, offset = 0, length = bytes.length): unknown[] {
  const calls: unknown[] = [];
  const names = new MediaTypeNames();
  const own: string[] = [];
  const nameOf = (type: number): string | undefined =>
    type < FIRST_OWN_TYPE ? names.nameOf(type) : own[type - FIRST_OWN_TYPE];
  const note =
    (kind: string): ReferenceVisitor =>
    (algorithm, from, at, sizeBytes, type) => {
      const hex = Buffer.from(from.subarray(at, at + (algorithm === 0 ? 32 : 64))).toString("hex");
      calls.push([kind, `${algorithm === 0 ? "sha256" : "sha512"}:${hex}`, sizeBytes, nameOf(type)]);
    };
  readManifestRecord(bytes, offset, length, {
    ownType: (mediaType) => void own.push(mediaType),
    header: ({ sizeBytes, blobCount, childCount, layersBytes, isImage, type }) =>
      void calls.push(["header", sizeBytes, blobCount, childCount, layersBytes, isImage, nameOf(type)]),
    subject: note("subject"),
    blob: note("blob"),
    child: note("child"),
  });
  return calls;
}

/** The layers of a test may claim to be larger than any number. */
function clamped(bytes: number): number {
  return Math.min(bytes, Number.MAX_SAFE_INTEGER);
}

function expected(manifest: Manifest, sizeBytes: number): unknown[] {
  const isManifest = ({ mediaType }: Descriptor): boolean =>
    [OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST].includes(mediaType);
  const blobs = [...manifest.blobs, ...manifest.children.filter((child) => !isManifest(child))];
  const children = manifest.children.filter(isManifest);
  const isImage = manifest.kind === "image";
  const layersBytes = isImage
    ? manifest.blobs.slice(1).reduce((sum, layer) => sum + Math.max(0, layer.size), 0)
    : 0;
  const told = (kind: string) => (item: Descriptor) => [kind, item.digest, item.size, item.mediaType];
  return [
    ["header", sizeBytes, blobs.length, children.length, clamped(layersBytes), isImage, manifest.mediaType],
    ...(manifest.subject ? [told("subject")(manifest.subject)] : []),
    ...blobs.map(told("blob")),
    ...children.map(told("child")),
  ];
}

describe("manifest records", () => {
  test("say what the manifest refers to, entries of an index that are no manifests with the blobs", () => {
    fc.assert(
      fc.property(manifests, fc.maxSafeNat(), (manifest, sizeBytes) => {
        expect(told(encodeManifestRecord(manifest, sizeBytes))).toEqual(expected(manifest, sizeBytes));
      }),
    );
  });

  test("stand one behind the other in one buffer", () => {
    fc.assert(
      fc.property(fc.array(manifests, { maxLength: 4 }), (list) => {
        const target = new Uint8Array(
          list.reduce((sum, manifest) => sum + manifestRecordBytes(manifest), 3) + 5,
        ).fill(0xee);
        const ends: number[] = [];
        let at = 3;
        for (const manifest of list) {
          at = writeManifestRecord(target, at, manifest, 7);
          ends.push(at);
        }
        expect([...target.subarray(at)]).toEqual([0xee, 0xee, 0xee, 0xee, 0xee]);
        let start = 3;
        for (const [index, manifest] of list.entries()) {
          const end = ends[index] ?? 0;
          expect(told(target, start, end - start)).toEqual(expected(manifest, 7));
          start = end;
        }
      }),
    );
  });

  test("take a schema 1 manifest, which does not say sizes", () => {
    const blobSum = `sha256:${"ab".repeat(32)}`;
    const manifest = parseManifest(
      Buffer.from(JSON.stringify({ schemaVersion: 1, fsLayers: [{ blobSum }] })),
    );

    expect(told(encodeManifestRecord(manifest, 90))).toEqual([
      ["header", 90, 1, 0, 0, false, "application/vnd.docker.distribution.manifest.v1+json"],
      ["blob", blobSum, -1, "application/vnd.docker.image.rootfs.diff.tar.gzip"],
    ]);
  });

  test("are refused before anything is told, if they are cut short, longer, or not a record", () => {
    fc.assert(
      fc.property(manifests, (manifest) => {
        const record = encodeManifestRecord(manifest, 1);
        const calls: unknown[] = [];
        const note = (): void => {
          calls.push(0);
        };
        const visitor = { ownType: note, header: note, subject: note, blob: note, child: note };
        for (let length = 0; length < record.length; length++) {
          expect(() => readManifestRecord(record, 0, length, visitor)).toThrow(InvalidManifestRecordError);
        }
        const longer = new Uint8Array(record.length + 1);
        longer.set(record);
        expect(() => readManifestRecord(longer, 0, longer.length, visitor)).toThrow(
          InvalidManifestRecordError,
        );
        expect(() => readManifestRecord(record, 1, record.length, visitor)).toThrow(
          InvalidManifestRecordError,
        );
        expect(calls).toEqual([]);
      }),
      { numRuns: 20 },
    );
  });

  test("are told or refused, whatever the bytes", () => {
    fc.assert(
      fc.property(manifests, fc.nat(), fc.integer({ min: 1, max: 255 }), (manifest, place, change) => {
        const record = encodeManifestRecord(manifest, 1);
        const at = place % Math.min(record.length, 60);
        record[at] = (record[at] ?? 0) ^ change;
        try {
          told(record);
        } catch (error) {
          expect(error).toBeInstanceOf(InvalidManifestRecordError);
        }
      }),
      { numRuns: 500 },
    );
  });

  test("keep as many unusual media types as there is room for", () => {
    const layers = Array.from({ length: MAX_OWN_TYPES + 5 }, (_, number) => ({
      mediaType: `application/x.${number}`,
      digest: parseDigest(`sha256:${"ab".repeat(32)}`),
      size: 1,
    }));
    const long = { ...layers[0], mediaType: `application/${"x".repeat(300)}` } as Descriptor;
    const blobs = [long, ...layers];
    const record = encodeManifestRecord({ mediaType: OCI_MANIFEST, kind: "image", blobs, children: [] }, 1);

    const types = told(record)
      .slice(1)
      .map((call) => (call as unknown[])[3]);
    expect(types).toEqual([
      undefined,
      ...layers.map(({ mediaType }, index) => (index < MAX_OWN_TYPES ? mediaType : undefined)),
    ]);
  });

  test("with counts of four billion are refused at the end of their bytes", () => {
    const record = encodeManifestRecord(
      { mediaType: OCI_INDEX, kind: "index", blobs: [], children: [] },
      1,
    ).fill(0xff, 16, 24);

    expect(() => told(record)).toThrow("ends in reference 0");
  });
});
