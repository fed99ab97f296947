import "reflect-metadata";
import {
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  randomBytes,
  webcrypto,
  X509Certificate,
} from "node:crypto";
import {
  BasicConstraintsExtension,
  Extension,
  KeyUsageFlags,
  KeyUsagesExtension,
  X509CertificateGenerator,
} from "@peculiar/x509";
import { type JWTHeaderParameters, SignJWT } from "jose";
import { libtrustFingerprint } from "../../src/lib/key-fingerprints.ts";

/** A private key for ES256. */
export function makeKey(): KeyObject {
  return generateKeyPairSync("ec", { namedCurve: "P-256" }).privateKey;
}

/** A private key for RS256 and PS256. */
export function makeRsaKey(modulusLength = 2048): KeyObject {
  return generateKeyPairSync("rsa", { modulusLength }).privateKey;
}

/** What a certificate is to say. Its dates are an hour ago and in an hour unless given. */
export interface CertificateWish {
  /** The private key of ES256 whose public half is certified. */
  key: KeyObject;
  name?: string;
  /** Who signs; itself unless given. */
  issuer?: { key: KeyObject; name: string };
  /** It is an authority. */
  authority?: boolean;
  /** How many authorities may stand below it. */
  pathLength?: number;
  from?: Date;
  to?: Date;
  /** Of a critical extension that nobody knows. */
  criticalExtension?: string;
}

const ECDSA = { name: "ECDSA", namedCurve: "P-256" };
const HOUR_MS = 3_600_000;

/** Makes a certificate for a key of ES256. */
export async function certify(wish: CertificateWish): Promise<X509Certificate> {
  const { subtle } = webcrypto;
  const name = `CN=${wish.name ?? "issuer"}`;
  const signer = wish.issuer?.key ?? wish.key;
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: `4${randomBytes(10).toString("hex").slice(1)}`,
      subject: name,
      issuer: wish.issuer ? `CN=${wish.issuer.name}` : name,
      notBefore: wish.from ?? new Date(Date.now() - HOUR_MS),
      notAfter: wish.to ?? new Date(Date.now() + HOUR_MS),
      signingAlgorithm: { name: "ECDSA", hash: "SHA-256" },
      publicKey: await subtle.importKey("spki", publicDer(wish.key), ECDSA, true, ["verify"]),
      signingKey: await subtle.importKey(
        "pkcs8",
        signer.export({ type: "pkcs8", format: "der" }),
        ECDSA,
        false,
        ["sign"],
      ),
      extensions: extensionsOf(wish),
    },
    webcrypto,
  );
  return new X509Certificate(Buffer.from(certificate.rawData));
}

function extensionsOf(wish: CertificateWish): Extension[] {
  const extensions: Extension[] = [];
  if (wish.authority) {
    extensions.push(new BasicConstraintsExtension(true, wish.pathLength, true));
    extensions.push(new KeyUsagesExtension(KeyUsageFlags.keyCertSign, true));
  }
  if (wish.criticalExtension) {
    extensions.push(new Extension(wish.criticalExtension, true, new Uint8Array([5, 0])));
  }
  return extensions;
}

function publicDer(key: KeyObject): Buffer {
  return createPublicKey(key).export({ type: "spki", format: "der" });
}

/** @returns the `kid` of a private key, as GitLab writes it */
export function kidOf(key: KeyObject): string {
  return libtrustFingerprint(createPublicKey(key));
}

/** @returns certificates as `x5c` has them */
export function x5cOf(...certificates: X509Certificate[]): string[] {
  return certificates.map(({ raw }) => raw.toString("base64"));
}

/** What {@link claimsOf} makes claims for. */
export const ISSUER = "gitlab-issuer";
/** What {@link claimsOf} makes claims for. */
export const SERVICE = "container_registry";

/** One entry of the claim `access`. */
export interface AccessClaim {
  type: string;
  name: string;
  actions: string[];
}

/** @returns claims as GitLab writes them, for five minutes from `nowMs` on; those given come on top */
export function claimsOf(
  access: readonly AccessClaim[],
  more: Record<string, unknown> = {},
  nowMs = Date.now(),
): Record<string, unknown> {
  const now = Math.floor(nowMs / 1000);
  return {
    jti: randomBytes(8).toString("hex"),
    iss: ISSUER,
    aud: SERVICE,
    sub: "alice",
    iat: now,
    nbf: now - 5,
    exp: now + 300,
    access,
    auth_type: "build",
    ...more,
  };
}

/** Signs claims with a private key; the header names the key as GitLab does unless it says otherwise. */
export function signToken(
  key: KeyObject,
  claims: Record<string, unknown>,
  header: Partial<JWTHeaderParameters> = {},
): Promise<string> {
  const alg = key.asymmetricKeyType === "ec" ? "ES256" : "RS256";
  const kid = Object.keys(header).some((name) => ["x5c", "jwk", "kid"].includes(name))
    ? {}
    : { kid: kidOf(key) };
  return new SignJWT(claims).setProtectedHeader({ typ: "JWT", alg, ...kid, ...header }).sign(key);
}
