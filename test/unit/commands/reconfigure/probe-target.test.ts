import { describe, expect, it } from "vitest";
import { asksForCertificate, probeTarget } from "../../../../src/commands/reconfigure/probe-target.ts";
import { readConfig } from "../../../../src/config/read-config.ts";
import type { HttpSettings } from "../../../../src/config/settings.ts";

function httpOf(http: string): HttpSettings {
  const { settings } = readConfig(`version: 0.1\nstorage: inmemory\nhttp: {${http}}\n`, "config.yml", {});
  if (settings === undefined) throw new Error("the test's configuration is wrong");
  return settings.http;
}

const TLS = "tls: {certificate: c.pem, key: k.pem}";

describe("probeTarget", () => {
  it("asks where the server listens, with the prefix and the TLS that it has now", () => {
    expect(probeTarget("http://127.0.0.1:5000/", httpOf(`prefix: /r/, ${TLS}`), [])).toEqual({
      addr: "127.0.0.1:5000",
      net: "tcp",
      prefix: "/r/",
      tls: true,
    });
    expect(probeTarget("https://[::1]/", httpOf("addr: ':1'"), [])).toMatchObject({
      addr: "[::1]:443",
      tls: false,
    });
  });

  it("asks by a socket", () => {
    expect(
      probeTarget("unix:/run/r.sock", httpOf("net: unix, addr: /run/new.sock"), ["http.addr"]),
    ).toMatchObject({
      addr: "/run/r.sock",
      net: "unix",
    });
  });

  it("goes by the server's address where it has not taken the TLS of the file", () => {
    expect(probeTarget("http://127.0.0.1:5000/", httpOf(TLS), ["http.tls.certificate"]).tls).toBe(false);
  });
});

it("knows a server that nobody without a certificate can ask", () => {
  expect(asksForCertificate(httpOf("tls: {certificate: c.pem, key: k.pem, clientcas: [ca.pem]}"))).toBe(true);
  const given =
    "tls: {certificate: c.pem, key: k.pem, clientcas: [ca.pem], clientauth: verify-client-cert-if-given}";
  expect(asksForCertificate(httpOf(given))).toBe(false);
  expect(asksForCertificate(httpOf(TLS))).toBe(false);
});
