import fc from "fast-check";
import { describe, expect, test } from "vitest";
import type { Descriptor } from "../../../../src/oci/descriptor.ts";
import { parseDigest } from "../../../../src/oci/digest.ts";
import { type Manifest, parseManifest } from "../../../../src/oci/manifest.ts";
import { DOCKER_MANIFEST, OCI_INDEX, OCI_MANIFEST } from "../../../../src/oci/media-types.ts";
import {
  encodeManifestRecord,
  InvalidManifestRecordError,
  manifestRecordBytes,
  type ReferenceVisitor,
  readManifestRecord,
  writeManifestRecord,
} from "../../../../src/registry/graph/manifest-record.ts";

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
  mediaType: fc.constantFrom(LAYER, OCI_MANIFEST, OCI_INDEX, DOCKER_MANIFEST),
  digest,
  size,
});
const manifests: fc.Arbitrary<Manifest> = fc
  .record({
    blobs: fc.array(descriptor, { maxLength: 5 }),
    children: fc.array(descriptor, { maxLength: 5 }),
    subject: fc.option(descriptor, { nil: undefined }),
  })
  .map(({ blobs, children, subject }) => ({
    mediaType: OCI_INDEX,
    kind: "index",
    blobs,
    children,
    ...(subject ? { subject } : {}),
  }));

/** What a reader of a record is told, in order. */
function told(bytes: Uint8Array, offset = 0, length = bytes.length): unknown[] {
  const calls: unknown[] = [];
  const note =
    (kind: string): ReferenceVisitor =>
    (algorithm, from, at, sizeBytes) => {
      const hex = Buffer.from(from.subarray(at, at + (algorithm === 0 ? 32 : 64))).toString("hex");
      calls.push([kind, `${algorithm === 0 ? "sha256" : "sha512"}:${hex}`, sizeBytes]);
    };
  readManifestRecord(bytes, offset, length, {
    header: (sizeBytes, blobs, children) => calls.push(["header", sizeBytes, blobs, children]),
    subject: note("subject"),
    blob: note("blob"),
    child: note("child"),
  });
  return calls;
}

function expected(manifest: Manifest, sizeBytes: number): unknown[] {
  const isManifest = ({ mediaType }: Descriptor): boolean => mediaType !== LAYER;
  const blobs = [...manifest.blobs, ...manifest.children.filter((child) => !isManifest(child))];
  const children = manifest.children.filter(isManifest);
  return [
    ["header", sizeBytes, blobs.length, children.length],
    ...(manifest.subject ? [["subject", manifest.subject.digest, manifest.subject.size]] : []),
    ...blobs.map((blob) => ["blob", blob.digest, blob.size]),
    ...children.map((child) => ["child", child.digest, child.size]),
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
      ["header", 90, 1, 0],
      ["blob", blobSum, -1],
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
        const visitor = { header: note, subject: note, blob: note, child: note };
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

  test("with counts of four billion are refused at the end of their bytes", () => {
    const record = encodeManifestRecord(
      { mediaType: OCI_INDEX, kind: "index", blobs: [], children: [] },
      1,
    ).fill(0xff, 8, 16);

    expect(() => told(record)).toThrow("ends in reference 0");
  });
});
