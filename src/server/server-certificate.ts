import { readFileSync } from "node:fs";
import { createSecureContext } from "node:tls";
import type { TlsSettings } from "../config/settings.ts";
import { ConfigError } from "../errors.ts";

/** What `https.createServer` needs of the configuration. */
export interface ServerCertificate {
  cert: Buffer;
  key: Buffer;
  minVersion: TlsSettings["minimumTls"];
}

/**
 * Reads certificate and key and tries them.
 *
 * @throws {ConfigError} if a file cannot be read, is no PEM, or the two do not belong together
 */
export function loadServerCertificate(settings: TlsSettings): ServerCertificate {
  const cert = readPem("http.tls.certificate", settings.certificate);
  const key = readPem("http.tls.key", settings.key);
  try {
    createSecureContext({ cert, key, minVersion: settings.minimumTls });
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    const mismatch = reason.includes("key values mismatch");
    throw new ConfigError(
      mismatch
        ? `http.tls.key ${settings.key} does not belong to http.tls.certificate ${settings.certificate}`
        : `http.tls: ${settings.certificate} and ${settings.key} cannot be used: ${reason}`,
      { hint: "Give the PEM files of one certificate chain and of its private key.", cause: error },
    );
  }
  return { cert, key, minVersion: settings.minimumTls };
}

function readPem(what: string, path: string): Buffer {
  try {
    return readFileSync(path);
  } catch (error) {
    const reason = error instanceof Error ? error.message : String(error);
    throw new ConfigError(`${what}: cannot read ${path}: ${reason}`, {
      hint: "Check that the file exists and that the server's user may read it.",
      cause: error,
    });
  }
}
