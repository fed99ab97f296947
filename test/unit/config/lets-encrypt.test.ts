import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/read-config.ts";

function read(letsencrypt: string, tls = ""): ReturnType<typeof readConfig> {
  const text = `version: 0.1\nstorage: inmemory\nhttp: {tls: {${tls}letsencrypt: {${letsencrypt}}}}\n`;
  return readConfig(text, "c.yml", {});
}

function findings(letsencrypt: string, tls = ""): string[] {
  return read(letsencrypt, tls).findings.map(({ kind, message }) => `${kind} ${message}`);
}

describe("http.tls.letsencrypt", () => {
  it("is taken as the Go registry takes it: the cache is a folder that certificate and key are in", () => {
    const hosts = "hosts: [Registry.example.com, b-2.example.com, registry.example.com]";
    expect(findings(`cachefile: /c, ${hosts}`)).toEqual([]);
    expect(read(`cachefile: /c, ${hosts}`).settings?.http.tls).toMatchObject({
      certificate: "/c/registry-ctl.pem",
      key: "/c/registry-ctl.pem",
      letsEncrypt: {
        cacheFolder: "/c",
        email: "",
        hosts: ["registry.example.com", "b-2.example.com"],
        directoryUrl: "https://acme-v02.api.letsencrypt.org/directory",
      },
    });
  });

  it("does nothing without cachefile, which is told where hosts are given", () => {
    expect(read("email: a@b.example").settings?.http.tls).toBeUndefined();
    const given = "certificate: a, key: b, ";
    for (const tls of ["", given]) {
      expect(findings("hosts: [a.example.com]", tls)).toEqual([
        "problem http.tls.letsencrypt.hosts is of no effect without cachefile",
      ]);
    }
    expect(read("hosts: [a.example.com]").settings?.http.tls).toBeUndefined();
    expect(read("hosts: [a.example.com]", given).settings?.http.tls).toMatchObject({
      certificate: "a",
      letsEncrypt: undefined,
    });
  });

  it.each([
    ["cachefile: /c", "cachefile needs hosts beside it"],
    ["cachefile: /c, hosts: []", "cachefile needs hosts beside it"],
    ["cachefile: /c, hosts: ['*.example.com']", "hosts must have full host names"],
    ["cachefile: /c, hosts: [../../etc/passwd]", "hosts must have full host names"],
    ["cachefile: /c, hosts: [localhost]", "hosts must have full host names"],
    ["cachefile: /c, hosts: [10.0.0.1]", "hosts must have full host names"],
    ["cachefile: /c, hosts: ['a.example.com:443']", "hosts must have full host names"],
    ["cachefile: /c, hosts: [a.example.com], directoryurl: acme.example.com", "directoryurl must be a URL"],
    ["cachefile: /c, hosts: [a.example.com], directoryurl: 'http://a.example'", "directoryurl must be a URL"],
    ["cachefile: /c, hosts: [a.example.com], directoryurl: 'https://'", "directoryurl must be a URL"],
    ["cachefile: /c, hosts: [a.example.com], email: nobody", "email must be one e-mail address"],
  ])("is refused before anything is ordered: %s", (letsencrypt, message) => {
    expect(findings(letsencrypt)).toEqual([expect.stringContaining(`fatal http.tls.letsencrypt.${message}`)]);
  });

  it("does not go together with a certificate, as for the Go registry", () => {
    expect(findings("cachefile: /c, hosts: [a.example.com]", "certificate: a, key: b, ")).toEqual([
      "fatal http.tls.letsencrypt.cachefile cannot go together with http.tls.certificate",
    ]);
  });
});
