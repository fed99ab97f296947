import type { KeptManifest, ManifestRecordSource } from "./manifest-record-source.ts";

/** What one plan has read, for the next one of the same process. */
export function memoryRecordSource(): ManifestRecordSource {
  let kept: KeptManifest[] = [];
  return {
    async load(add) {
      for (const { algorithm, digest, record } of kept) add(algorithm, digest, record);
    },
    async save(manifests) {
      kept = Array.from(manifests, ({ algorithm, digest, record }) => ({
        algorithm,
        digest: Uint8Array.from(digest),
        record: Uint8Array.from(record),
      }));
    },
  };
}
