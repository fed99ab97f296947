import type { TlsSettings } from "../../src/config/settings.ts";

/** @returns the settings of a server with a certificate, as they are without any other key */
export function tlsSettings(certificate: string, key: string, more: Partial<TlsSettings> = {}): TlsSettings {
  return {
    certificate,
    key,
    minimumTls: "TLSv1.2",
    clientCas: [],
    clientAuth: "require-and-verify-client-cert",
    cipherSuites: [],
    letsEncrypt: undefined,
    ...more,
  };
}
