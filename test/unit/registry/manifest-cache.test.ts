import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { parseManifest } from "../../../src/oci/manifest.ts";
import { createManifestCache, type StoredManifest } from "../../../src/registry/manifest-cache.ts";

const KIB = 1024;

/** A manifest of about so many bytes, nearly all of them one annotation. */
function annotated(lengthBytes: number, serial: number): StoredManifest {
  const json = {
    schemaVersion: 2,
    mediaType: "application/vnd.oci.image.index.v1+json",
    manifests: [],
    annotations: { filling: `${serial}`.padEnd(lengthBytes, "x") },
  };
  const bytes = Buffer.from(JSON.stringify(json));
  const manifest = parseManifest(bytes);
  return { digest: digestOf(bytes), mediaType: manifest.mediaType, bytes, manifest };
}

describe("the manifests that are remembered", () => {
  it("are those used last, as far as the memory goes", () => {
    const cache = createManifestCache(100 * KIB);
    const manifests = Array.from({ length: 20 }, (_, serial) => annotated(10 * KIB, serial));
    for (const each of manifests) {
      cache.set(each.digest, each);
      cache.get(manifests[0]?.digest ?? each.digest);
    }
    const kept = manifests.filter((each) => cache.get(each.digest) !== undefined);
    expect(kept[0]).toBe(manifests[0]);
    expect(kept.at(-1)).toBe(manifests.at(-1));
    expect(kept.length).toBeGreaterThan(2);
  });

  it("are counted with their annotations, which are held beside the bytes", () => {
    const cache = createManifestCache(100 * KIB);
    const manifests = Array.from({ length: 20 }, (_, serial) => annotated(10 * KIB, serial));
    for (const each of manifests) cache.set(each.digest, each);
    const kept = manifests.filter((each) => cache.get(each.digest) !== undefined);
    const held = kept.reduce(
      (sum, { bytes, manifest }) => sum + bytes.length + (manifest.annotations?.["filling"]?.length ?? 0),
      0,
    );
    expect(held).toBeLessThanOrEqual(100 * KIB);
  });

  it("are none where there is no memory for them, and none after they were forgotten", () => {
    const manifest = annotated(10, 1);
    const nothing = createManifestCache(0);
    nothing.set(manifest.digest, manifest);
    expect(nothing.get(manifest.digest)).toBeUndefined();
    const cache = createManifestCache(100 * KIB);
    cache.set(manifest.digest, manifest);
    expect(cache.get(manifest.digest)).toBe(manifest);
    cache.clear();
    expect(cache.get(manifest.digest)).toBeUndefined();
  });
});
