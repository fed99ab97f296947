import { createHash, type KeyObject } from "node:crypto";
import { calculateJwkThumbprint } from "jose";

const BASE32 = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
/** 240 of the 256 bits, which are 48 letters without padding. */
const HASHED_BYTES = 30;

/**
 * The `kid` that GitLab and Docker's token servers put into a token: of the SHA-256 of the public key in DER form.
 *
 * @param publicKey - of any kind
 * @returns twelve groups of four letters, `ABCD:EFGH:…`
 * @see https://github.com/docker/libtrust
 */
export function libtrustFingerprint(publicKey: KeyObject): string {
  const der = publicKey.export({ type: "spki", format: "der" });
  const hash = createHash("sha256").update(der).digest().subarray(0, HASHED_BYTES);
  let letters = "";
  for (let bit = 0; bit < HASHED_BYTES * 8; bit += 5) {
    const twoBytes = ((hash[bit >> 3] ?? 0) << 8) | (hash[(bit >> 3) + 1] ?? 0);
    letters += BASE32.charAt((twoBytes >> (11 - (bit & 7))) & 31);
  }
  return (letters.match(/.{4}/g) ?? []).join(":");
}

/**
 * The other `kid` in use: the SHA-256 thumbprint of the public key as a JSON Web Key, in base64url.
 * @see https://www.rfc-editor.org/rfc/rfc7638
 */
export function jwkThumbprint(publicKey: KeyObject): Promise<string> {
  return calculateJwkThumbprint(publicKey, "sha256");
}
