import { getCiphers } from "node:tls";
import { describe, expect, it } from "vitest";
import { cipherSuiteProblem, knownCipherSuites, opensslCiphers } from "../../../src/config/cipher-suites.ts";
import { readConfig } from "../../../src/config/read-config.ts";

function read(tls: string): ReturnType<typeof readConfig> {
  const text = `version: 0.1\nstorage: inmemory\nhttp: {tls: {certificate: a, key: b, ${tls}}}\n`;
  return readConfig(text, "c.yml", {});
}

function findings(tls: string): string[] {
  return read(tls).findings.map(({ kind, key, message }) => `${kind} ${key}: ${message}`);
}

describe("http.tls.ciphersuites", () => {
  it("are taken by their IANA names", () => {
    const names = ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256", "TLS_AES_128_GCM_SHA256"];
    expect(findings(`ciphersuites: [${names}]`)).toEqual([]);
    expect(read(`ciphersuites: [${names}]`).settings?.http.tls?.cipherSuites).toEqual(names);
  });

  it.each([
    ["TLS_ECDHE_RSA_WITH_AES_1280_GCM_SHA256", "is no cipher suite that the registry knows"],
    ["ECDHE-RSA-AES128-GCM-SHA256", "is no cipher suite that the registry knows"],
    ["toString", "is no cipher suite that the registry knows"],
    ["TLS_RSA_WITH_3DES_EDE_CBC_SHA", "is not offered by this Node any more"],
  ])("that cannot be used stop the server: %s", (name, reason) => {
    const [finding, ...others] = findings(`ciphersuites: [TLS_AES_128_GCM_SHA256, ${name}]`);
    expect(others).toEqual([]);
    expect(finding).toContain(
      `fatal http.tls.ciphersuites: http.tls.ciphersuites has "${name}", which ${reason}`,
    );
    expect(finding).toContain("TLS_ECDHE_ECDSA_WITH_CHACHA20_POLY1305_SHA256");
  });

  it("are not looked at where only TLS 1.3 is spoken, as in the Go registry", () => {
    expect(findings("minimumtls: tls1.3, ciphersuites: [unknown]")).toEqual([]);
  });

  it("have names that OpenSSL knows", () => {
    const offered = getCiphers();
    expect(knownCipherSuites().length).toBeGreaterThan(15);
    for (const name of opensslCiphers(knownCipherSuites()).split(":"))
      expect(offered).toContain(name.toLowerCase());
    for (const name of opensslCiphers([]).split(":")) expect(offered).toContain(name.toLowerCase());
  });

  it("leave out what is not safe unless it is asked for", () => {
    expect(opensslCiphers([])).not.toMatch(/SHA(:|$)|(^|:)AES/);
    expect(cipherSuiteProblem("TLS_RSA_WITH_AES_128_CBC_SHA")).toBeUndefined();
    expect(opensslCiphers(["TLS_RSA_WITH_AES_128_CBC_SHA"])).toMatch(/:AES128-SHA$/);
  });
});

describe("http.tls.clientauth", () => {
  it.each([
    ["clientcas: [a]", "require-and-verify-client-cert"],
    ["clientcas: [a], clientauth: verify-client-cert-if-given", "verify-client-cert-if-given"],
    ["clientcas: [a], clientauth: require-any-client-cert", "require-any-client-cert"],
    ["clientcas: [a], clientauth: request-client-cert", "request-client-cert"],
    ["clientcas: [a], clientauth: require-and-verify-client-cert", "require-and-verify-client-cert"],
  ])("of %s is %s", (tls, mode) => {
    expect(findings(tls)).toEqual([]);
    expect(read(tls).settings?.http.tls).toMatchObject({ clientCas: ["a"], clientAuth: mode });
  });

  it("without authorities is a mistake that is told of", () => {
    expect(findings("clientauth: require-and-verify-client-cert")).toEqual([
      "problem http.tls.clientauth: http.tls.clientauth is of no effect without http.tls.clientcas: no client is asked for a certificate",
    ]);
  });

  it("of another name stops the server", () => {
    expect(findings("clientcas: [a], clientauth: require")[0]).toMatch(/^fatal http\.tls\.clientauth/);
  });
});

describe("HTTP/2", () => {
  it("is spoken over TLS unless it is switched off, and without TLS if it is switched on", () => {
    const http = (more: string) =>
      readConfig(`version: 0.1\nstorage: inmemory\nhttp: {addr: ":5000", ${more}}\n`, "c.yml", {});
    expect(http("").settings?.http).toMatchObject({ http2: true, h2c: false });
    expect(http("http2: {disabled: true}, h2c: {enabled: true}").settings?.http).toMatchObject({
      http2: false,
      h2c: true,
    });
    expect(http("http2: {disabled: true}, h2c: {enabled: true}").findings).toEqual([]);
  });
});
