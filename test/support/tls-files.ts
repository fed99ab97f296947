import { rename, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { certify, makeKey } from "./token-authority.ts";

/** A certificate and its key, in PEM form. */
export interface TlsPair {
  cert: string;
  key: string;
}

/** An authority that signs certificates. */
export interface TestAuthority {
  cert: string;
  issue(name: string): Promise<TlsPair>;
}

/** Makes a certificate that signs itself, with its key. */
export async function selfSigned(name: string): Promise<TlsPair> {
  const key = makeKey();
  const certificate = await certify({ key, name });
  return { cert: certificate.toString(), key: key.export({ type: "pkcs8", format: "pem" }).toString() };
}

/** Makes an authority. */
export async function testAuthority(name: string): Promise<TestAuthority> {
  const issuerKey = makeKey();
  const root = await certify({ key: issuerKey, name, authority: true });
  return {
    cert: root.toString(),
    issue: async (subject) => {
      const key = makeKey();
      const certificate = await certify({ key, name: subject, issuer: { key: issuerKey, name } });
      return { cert: certificate.toString(), key: key.export({ type: "pkcs8", format: "pem" }).toString() };
    },
  };
}

/** Puts a pair in the place of another, as careful programs do: each file by itself, at once. */
export async function replacePair(files: { certificate: string; key: string }, pair: TlsPair): Promise<void> {
  await replaceFile(files.certificate, pair.cert);
  await replaceFile(files.key, pair.key);
}

/** Replaces a file by another one that was written beside it. */
export async function replaceFile(path: string, content: string): Promise<void> {
  await writeFile(`${path}.new`, content);
  await rename(`${path}.new`, path);
}

/** Writes a pair into a folder. @returns the paths */
export async function writePair(
  folder: string,
  pair: TlsPair,
): Promise<{ certificate: string; key: string }> {
  const files = { certificate: join(folder, "cert.pem"), key: join(folder, "key.pem") };
  await writeFile(files.certificate, pair.cert);
  await writeFile(files.key, pair.key);
  return files;
}
