import { getCiphers } from "node:tls";

/**
 * The names that `http.tls.ciphersuites` may hold, which are IANA's and Go's, with OpenSSL's for the same. TLS 1.3 has
 * the same names everywhere.
 *
 * @see https://distribution.github.io/distribution/about/configuration/#tls - the names
 * @see https://docs.openssl.org/3.0/man1/openssl-ciphers/#cipher-suite-names - the translation
 */
const OPENSSL_NAMES: Readonly<Record<string, string>> = {
  TLS_RSA_WITH_3DES_EDE_CBC_SHA: "DES-CBC3-SHA",
  TLS_RSA_WITH_AES_128_CBC_SHA: "AES128-SHA",
  TLS_RSA_WITH_AES_256_CBC_SHA: "AES256-SHA",
  TLS_RSA_WITH_AES_128_GCM_SHA256: "AES128-GCM-SHA256",
  TLS_RSA_WITH_AES_256_GCM_SHA384: "AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_AES_128_CBC_SHA: "ECDHE-ECDSA-AES128-SHA",
  TLS_ECDHE_ECDSA_WITH_AES_256_CBC_SHA: "ECDHE-ECDSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_3DES_EDE_CBC_SHA: "ECDHE-RSA-DES-CBC3-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_CBC_SHA: "ECDHE-RSA-AES128-SHA",
  TLS_ECDHE_RSA_WITH_AES_256_CBC_SHA: "ECDHE-RSA-AES256-SHA",
  TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256: "ECDHE-RSA-AES128-GCM-SHA256",
  TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256: "ECDHE-ECDSA-AES128-GCM-SHA256",
  TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384: "ECDHE-RSA-AES256-GCM-SHA384",
  TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384: "ECDHE-ECDSA-AES256-GCM-SHA384",
  TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-RSA-CHACHA20-POLY1305",
  TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256: "ECDHE-ECDSA-CHACHA20-POLY1305",
};

/** The suites of TLS 1.3. As in Go they cannot be chosen among: who speaks TLS 1.3 speaks them all. */
const TLS13_SUITES = ["TLS_AES_128_GCM_SHA256", "TLS_CHACHA20_POLY1305_SHA256", "TLS_AES_256_GCM_SHA384"];

/** What the Go registry takes where the list is empty: forward secrecy and authenticated encryption only. */
const DEFAULT_SUITES = [
  "TLS_ECDHE_ECDSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_RSA_WITH_AES_256_GCM_SHA384",
  "TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_RSA_WITH_CHACHA20_POLY1305_SHA256",
  "TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256",
  "TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256",
];

/** @returns why a name of `http.tls.ciphersuites` cannot be used; undefined if it can */
export function cipherSuiteProblem(name: string): string | undefined {
  if (TLS13_SUITES.includes(name)) return undefined;
  const translated = Object.hasOwn(OPENSSL_NAMES, name) ? OPENSSL_NAMES[name] : undefined;
  if (translated === undefined) return "is no cipher suite that the registry knows";
  return getCiphers().includes(translated.toLowerCase()) ? undefined : "is not offered by this Node any more";
}

/** @returns the names that can be used, for messages */
export function knownCipherSuites(): string[] {
  return [...Object.keys(OPENSSL_NAMES), ...TLS13_SUITES].filter(
    (name) => cipherSuiteProblem(name) === undefined,
  );
}

/**
 * Makes the list that OpenSSL wants of `http.tls.ciphersuites`. A list with nothing for TLS 1.2 in it leaves TLS 1.3
 * alone.
 *
 * @param names - such as {@link cipherSuiteProblem} has nothing against; empty: the Go registry's choice
 * @returns a value for Node's option `ciphers`
 */
export function opensslCiphers(names: readonly string[]): string {
  const chosen = names.length === 0 ? DEFAULT_SUITES : names;
  const translated = chosen.flatMap((name) => OPENSSL_NAMES[name] ?? []);
  return [...TLS13_SUITES, ...translated].join(":");
}
