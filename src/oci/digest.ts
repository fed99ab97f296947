import { hash } from "node:crypto";
import { RegistryCtlError } from "../errors.ts";

/** A content digest, `<algorithm>:<lower-case hex>`, checked by {@link parseDigest}. */
export type Digest = string & { readonly __digest: unique symbol };

/** The algorithms that the OCI image spec registers and that the storage layout knows. */
export type DigestAlgorithm = "sha256" | "sha512";

const SHA256_PREFIX = "sha256:";
const SHA512_PREFIX = "sha512:";
const SHA256_LENGTH = SHA256_PREFIX.length + 64;
const SHA512_LENGTH = SHA512_PREFIX.length + 128;

/** 0 for each ASCII code of a lower-case hexadecimal digit, else 1. */
const IS_NOT_HEX = Uint8Array.from({ length: 128 }, (_, code) =>
  "0123456789abcdef".includes(String.fromCharCode(code)) ? 0 : 1,
);

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
  if (text.length === SHA256_LENGTH)
    return text.startsWith(SHA256_PREFIX) && isHex(text, SHA256_PREFIX.length);
  return text.length === SHA512_LENGTH && text.startsWith(SHA512_PREFIX) && isHex(text, SHA512_PREFIX.length);
}

/** By a table and without a branch for each digit: collections check millions, and a regular expression takes twice the time. */
function isHex(text: string, start: number): boolean {
  let isNotHex = 0;
  for (let index = start; index < text.length; index++) {
    const code = text.charCodeAt(index);
    isNotHex |= (code >>> 7) | (IS_NOT_HEX[code & 0x7f] ?? 1);
  }
  return isNotHex === 0;
}

/**
 * @returns `text` as a digest
 * @throws {InvalidDigestError} if it is not one of a known algorithm
 */
export function parseDigest(text: string): Digest {
  if (!isDigest(text)) throw new InvalidDigestError(text);
  return text;
}

/**
 * @param hex - as many lower-case hexadecimal digits as the algorithm has, made from bytes: it is not checked
 * @returns the digest with these
 */
export function digestFromHex(algorithm: DigestAlgorithm, hex: string): Digest {
  return `${algorithm}:${hex}` as Digest;
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
  return parseDigest(`${algorithm}:${hash(algorithm, bytes, "hex")}`);
}
