import type { AlgorithmCode } from "./manifest-record-layout.ts";

/** What one manifest refers to, as it is kept from one run to the next. */
export interface KeptManifest {
  algorithm: AlgorithmCode;
  /** 32 or 64 bytes. */
  digest: Uint8Array;
  /** As `encodeManifestRecord` makes it. */
  record: Uint8Array;
}

/** Where a run finds what earlier ones have read, and leaves what it has read. Nothing of it can fail a run. */
export interface ManifestRecordSource {
  /** Calls `add` for each manifest; what it is given is valid only during the call. */
  load(add: (algorithm: AlgorithmCode, digest: Uint8Array, record: Uint8Array) => void): Promise<void>;
  /** Keeps these and nothing else. */
  save(manifests: Iterable<KeptManifest>): Promise<void>;
}
