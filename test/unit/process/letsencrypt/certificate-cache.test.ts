import { generateKeyPairSync } from "node:crypto";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { LetsEncryptSettings } from "../../../../src/config/settings.ts";
import { CertificateCache } from "../../../../src/process/letsencrypt/certificate-cache.ts";
import { makePlaceholder } from "../../../../src/process/letsencrypt/placeholder.ts";

let folder: string;
let settings: LetsEncryptSettings;

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-cache-"));
  settings = {
    cacheFolder: join(folder, "cache"),
    email: "",
    hosts: ["a.example.test", "b.example.test"],
    directoryUrl: "https://one.test/dir",
  };
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function opened(more: Partial<LetsEncryptSettings> = {}): CertificateCache {
  const cache = new CertificateCache({ ...settings, ...more });
  cache.prepare();
  return cache;
}

describe("the certificate of the cache", () => {
  it("is fit for its hosts and its authority, and for no others", async () => {
    opened().writeCertificate(await makePlaceholder(settings.hosts, 0));
    expect(opened().certificate()).toMatchObject({ validFromMs: 0, unfit: false });
    expect(opened({ hosts: ["b.example.test"] }).certificate()?.unfit).toBe(false);
    expect(opened({ hosts: [...settings.hosts, "c.example.test"] }).certificate()?.unfit).toBe(true);
    expect(opened({ directoryUrl: "https://two.test/dir" }).certificate()?.unfit).toBe(true);
  });

  it("may be a placeholder, which is fit for nothing and takes no certificate's place", async () => {
    const cache = opened();
    expect(cache.certificate()).toBeUndefined();
    cache.writePlaceholder(await makePlaceholder(settings.hosts, 0));
    expect(cache.certificate()?.unfit).toBe(true);
    cache.writeCertificate(await makePlaceholder(settings.hosts, 0));
    cache.writePlaceholder(await makePlaceholder(settings.hosts, 0));
    expect(cache.certificate()?.unfit).toBe(false);
  });

  it.each([
    ["empty", () => ""],
    ["no PEM", () => "text"],
    ["cut off", (pem: string) => pem.slice(0, -100)],
    ["without key", (pem: string) => pem.slice(pem.indexOf("-----BEGIN CERTIFICATE"))],
  ])("counts as none if it is %s", async (_, damage) => {
    const cache = opened();
    const pem = await makePlaceholder(settings.hosts, 0);
    writeFileSync(join(cache.folder, "registry-ctl.pem"), damage(pem));
    expect(cache.certificate()).toBeUndefined();
    cache.writePlaceholder(pem);
    expect(cache.certificate()).toBeDefined();
  });
});

describe("failures in the cache", () => {
  it("are remembered until a certificate comes", async () => {
    opened().writeFailures({ count: 2, nextTryMs: 77 });
    expect(opened().failures()).toEqual({ count: 2, nextTryMs: 77 });
    opened().writeCertificate(await makePlaceholder(settings.hosts, 0));
    expect(opened().failures()).toEqual({ count: 0, nextTryMs: 0 });
  });

  it("count for the settings that they were made with", () => {
    opened().writeFailures({ count: 2, nextTryMs: 77 });
    for (const more of [
      { hosts: ["c.test.example"] },
      { email: "a@b.example" },
      { directoryUrl: "https://x" },
    ]) {
      expect(opened(more).failures()).toEqual({ count: 0, nextTryMs: 0 });
    }
  });

  it("are none if they cannot be read", () => {
    writeFileSync(opened().statePath, '{"about":');
    expect(opened().failures()).toEqual({ count: 0, nextTryMs: 0 });
  });
});

describe("the account's key", () => {
  it("is made once, for its owner only", async () => {
    const make = async (): Promise<string> =>
      generateKeyPairSync("ec", {
        namedCurve: "P-256",
        publicKeyEncoding: { type: "spki", format: "pem" },
        privateKeyEncoding: { type: "sec1", format: "pem" },
      }).privateKey;
    const made = await opened().accountKey(make);
    expect(await opened().accountKey(make)).toBe(made);
    const path = join(settings.cacheFolder, "acme_account+key");
    expect(readFileSync(path, "utf8")).toBe(made);
    expect(statSync(path).mode & 0o777).toBe(0o600);
  });
});
