import { createHash } from "node:crypto";
import { RegistryCtlError } from "../errors.ts";

/** A content digest, `<algorithm>:<lower-case hex>`, checked by {@link parseDigest}. */
export type Digest = string & { readonly __digest: unique symbol };

/** The algorithms that the OCI image spec registers and that the storage layout knows. */
export type DigestAlgorithm = "sha256" | "sha512";

/** Length of the hexadecimal part by algorithm. */
const HEX_LENGTH: Readonly<Record<DigestAlgorithm, number>> = { sha256: 64, sha512: 128 };

const LOWER_HEX = /^[0-9a-f]+$/;

/** Text that should be a digest and is not. */
export class InvalidDigestError extends RegistryCtlError {
  override readonly name: string = "InvalidDigestError";
  constructor(text: string) {
    super(
      "ERR_INVALID_DIGEST",
      `invalid digest ${JSON.stringify(text.slice(0, 200))}: expected sha256: with 64 or sha512: with 128 lower-case hexadecimal digits`,
    );
  }
}

/** Tells whether `text` names an algorithm that we can compute. */
export function isDigestAlgorithm(text: string): text is DigestAlgorithm {
  return text === "sha256" || text === "sha512";
}

/**
 * Tells whether `text` is a digest of a known algorithm.
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/descriptor.md#digests
 */
export function isDigest(text: string): text is Digest {
  const colon = text.indexOf(":");
  const algorithm = text.slice(0, colon);
  if (!isDigestAlgorithm(algorithm)) return false;
  const hex = text.slice(colon + 1);
  return hex.length === HEX_LENGTH[algorithm] && LOWER_HEX.test(hex);
}

/**
 * @returns `text` as a digest
 * @throws {InvalidDigestError} if it is not one of a known algorithm
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new InvalidDigestError(text);
  return text;
}

/** @returns the algorithm of a digest */
export function digestAlgorithm(digest: Digest): DigestAlgorithm {
  return digest.startsWith("sha512:") ? "sha512" : "sha256";
}

/** @returns the hexadecimal part of a digest */
export function digestHex(digest: Digest): string {
  return digest.slice(digest.indexOf(":") + 1);
}

/** @returns the digest of `bytes` */
export function digestOf(bytes: Uint8Array, algorithm: DigestAlgorithm = "sha256"): Digest {
  return parseDigest(`${algorithm}:${createHash(algorithm).update(bytes).digest("hex")}`);
}
