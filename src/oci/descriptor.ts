import type { Digest } from "./digest.ts";

/** The platform of an index entry, as far as we look at it. */
export interface Platform {
  os: string;
  architecture: string;
}

/**
 * What one object says of another that it refers to.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md
 */
export interface Descriptor {
  mediaType: string;
  digest: Digest;
  /** Bytes; an integer from 0 on. Schema 1 does not say: then -1. */
  size: number;
  artifactType?: string;
  annotations?: Record<string, string>;
  platform?: Platform;
  /** Where a foreign layer can be fetched. */
  urls?: string[];
}
