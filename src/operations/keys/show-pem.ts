import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { type PemBlock, PemError, parsePemBlocks } from "../../lib/pem-blocks.ts";
import { type CertificateDescription, describeCertificate } from "./describe-certificate.ts";
import { describeKey, type KeyDescription } from "./describe-key.ts";
import { hasPassword, isPrivateKey, readPrivateKey } from "./private-key.ts";

/** One block of a PEM file. `line` is that of its BEGIN, from 1. */
export type PemItem = { line: number } & (
  | ({ kind: "certificate" } & CertificateDescription)
  /** Of a private key only what its public half tells. */
  | { kind: "private key" | "public key"; key: KeyDescription }
  | { kind: "private key with a password" }
  /** `label` is what stands behind BEGIN. */
  | { kind: "other"; label: string }
);

/**
 * Tells what is in a PEM file, block by block.
 *
 * @throws {PemError} if a block is damaged, or there is none
 */
export async function showPem(content: Uint8Array, nowMs: number): Promise<PemItem[]> {
  const blocks = parsePemBlocks(content);
  if (blocks.length === 0) {
    throw new PemError(content.length === 0 ? "the file is empty" : "there is nothing in PEM form in it");
  }
  return Promise.all(blocks.map((block, index) => showBlock(block, index + 1, nowMs)));
}

async function showBlock(block: PemBlock, number: number, nowMs: number): Promise<PemItem> {
  const { kind, line, der } = block;
  if (kind === "CERTIFICATE") {
    const certificate = readAs(block, number, () => new X509Certificate(der));
    return { line, kind: "certificate", ...(await describeCertificate(certificate, nowMs)) };
  }
  if (isPrivateKey(block)) {
    if (hasPassword(block)) return { line, kind: "private key with a password" };
    return { line, kind: "private key", key: await describeKey(createPublicKey(readPrivateKey(block))) };
  }
  const publicKey = readPublicKey(block, number);
  if (publicKey) return { line, kind: "public key", key: await describeKey(publicKey) };
  return { line, kind: "other", label: kind };
}

function readPublicKey(block: PemBlock, number: number): KeyObject | undefined {
  const { kind, der } = block;
  if (kind !== "PUBLIC KEY" && kind !== "RSA PUBLIC KEY") return undefined;
  const type = kind === "PUBLIC KEY" ? "spki" : "pkcs1";
  return readAs(block, number, () => createPublicKey({ key: der, format: "der", type }));
}

function readAs<T>({ kind, line }: PemBlock, number: number, read: () => T): T {
  try {
    return read();
  } catch (cause) {
    throw new PemError(`line ${line}: block ${number} (${kind}) is damaged`, { cause });
  }
}
