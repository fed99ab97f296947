import type { TLSSocket, TlsOptions } from "node:tls";
import type { TlsSettings } from "../config/settings.ts";

/** How a server deals with clients' certificates. */
export interface ClientCertificates {
  options: Pick<TlsOptions, "requestCert" | "rejectUnauthorized">;
  /** Tells whether a connection may be used, after its handshake. Undefined: OpenSSL has seen to it. */
  admits: ((socket: TLSSocket) => boolean) | undefined;
}

/**
 * Does as Go's `crypto/tls` with its four kinds of client authentication. No certificate is asked for where there are
 * no authorities. Without a certificate or with a wrong one a client is refused before it can send a request.
 *
 * @see https://pkg.go.dev/crypto/tls#ClientAuthType
 */
export function clientCertificates(
  settings: Pick<TlsSettings, "clientCas" | "clientAuth">,
): ClientCertificates {
  if (settings.clientCas.length === 0) return { options: {}, admits: undefined };
  if (settings.clientAuth === "require-and-verify-client-cert") {
    return { options: { requestCert: true, rejectUnauthorized: true }, admits: undefined };
  }
  return { options: { requestCert: true, rejectUnauthorized: false }, admits: ADMITS[settings.clientAuth] };
}

const ADMITS = {
  "verify-client-cert-if-given": (socket: TLSSocket) => socket.authorized || !hasCertificate(socket),
  "require-any-client-cert": hasCertificate,
  // The certificate is asked for although nobody wants it: OpenSSL's complaint about one whose signature is wrong would
  // else be taken for a fault of the connection, and Node puts such complaints away when it is asked.
  "request-client-cert": (socket: TLSSocket) => hasCertificate(socket) || true,
};

function hasCertificate(socket: TLSSocket): boolean {
  return socket.getPeerX509Certificate() !== undefined;
}
