import { createPrivateKey, type KeyObject } from "node:crypto";
import { type PemBlock, PemError, parsePemBlocks } from "../../lib/pem-blocks.ts";

/** How each kind of block is read. */
const DER_TYPES: Readonly<Record<string, "pkcs1" | "pkcs8" | "sec1">> = {
  "RSA PRIVATE KEY": "pkcs1",
  "PRIVATE KEY": "pkcs8",
  "EC PRIVATE KEY": "sec1",
};

/** @returns whether a block holds a private key, whatever its form */
export function isPrivateKey({ kind }: PemBlock): boolean {
  return kind.endsWith("PRIVATE KEY");
}

/** @returns whether the key can be used only by somebody who knows a password */
export function hasPassword({ kind, hasHeaders }: PemBlock): boolean {
  return kind === "ENCRYPTED PRIVATE KEY" || hasHeaders;
}

/**
 * Reads a block with a private key.
 *
 * @throws {PemError} if it has a password, is damaged or is of a form that OpenSSL does not read
 */
export function readPrivateKey(block: PemBlock): KeyObject {
  const { kind, line, der } = block;
  const type = DER_TYPES[kind];
  if (hasPassword(block)) {
    throw new PemError(`line ${line}: the private key has a password, which a server cannot be asked for`, {
      hint: "take it off: openssl pkey -in FILE -out NEW",
    });
  }
  if (type === undefined) throw new PemError(`line ${line}: ${kind} is no form of key that GitLab reads`);
  try {
    return createPrivateKey({ key: der, format: "der", type });
  } catch {
    // The reason is OpenSSL's, and of no use without its source code.
    throw new PemError(`line ${line}: the private key (${kind}) is damaged`);
  }
}

/** What a file with a private key holds. */
export interface PrivateKeyFile {
  key: KeyObject;
  /** The kinds of what else stands there. */
  others: string[];
}

/**
 * Reads a file with the private key that GitLab signs tokens with.
 *
 * @throws {PemError} if there is none that GitLab can use
 */
export function parsePrivateKeyFile(content: Uint8Array): PrivateKeyFile {
  if (content.length === 0) throw new PemError("the file is empty, expected a private key in PEM form");
  const blocks = parsePemBlocks(content);
  const block = blocks.find(isPrivateKey);
  if (block === undefined) {
    const kinds = blocks.map(({ kind }) => kind);
    const found = kinds.length === 0 ? "nothing in PEM form" : kinds.join(", ");
    throw new PemError(`no private key, but ${found}`, {
      hint: kinds.includes("CERTIFICATE")
        ? "this is the half for the registry: give the private key"
        : undefined,
    });
  }
  const key = readPrivateKey(block);
  return { key, others: blocks.filter((other) => other !== block).map(({ kind }) => kind) };
}
