import { createHash, type KeyObject } from "node:crypto";
import { jwkThumbprint, libtrustFingerprint } from "../../lib/key-fingerprints.ts";

/** What may be told of a key: nothing that its private half is known by. */
export interface KeyDescription {
  /** Such as `RSA 4096` or `EC P-256`. */
  algorithm: string;
  /** The `kid` that GitLab puts into tokens. */
  libtrustFingerprint: string;
  /** The `kid` of RFC 7638. */
  jwkThumbprint: string;
  /** Of the public key in DER form, in hexadecimal. */
  sha256: string;
}

const CURVES: Readonly<Record<string, string>> = {
  prime256v1: "P-256",
  secp384r1: "P-384",
  secp521r1: "P-521",
};

/** Describes the public half of a key. */
export async function describeKey(publicKey: KeyObject): Promise<KeyDescription> {
  const der = publicKey.export({ type: "spki", format: "der" });
  return {
    algorithm: algorithmOf(publicKey),
    libtrustFingerprint: libtrustFingerprint(publicKey),
    jwkThumbprint: await jwkThumbprint(publicKey),
    sha256: createHash("sha256").update(der).digest("hex"),
  };
}

function algorithmOf(key: KeyObject): string {
  const { modulusLength, namedCurve } = key.asymmetricKeyDetails ?? {};
  switch (key.asymmetricKeyType) {
    case "rsa":
      return `RSA ${modulusLength}`;
    case "ec":
      return `EC ${CURVES[namedCurve ?? ""] ?? namedCurve}`;
    case "ed25519":
      return "Ed25519";
    default:
      return key.asymmetricKeyType ?? "unknown";
  }
}
