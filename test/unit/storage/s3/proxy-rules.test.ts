import { describe, expect, test } from "vitest";
import { StorageUnavailableError } from "../../../../src/errors.ts";
import { hasProxy } from "../../../../src/lib/proxy-rules.ts";
import { proxyFor } from "../../../../src/storage/s3/proxy-rules.ts";

const proxies = { HTTPS_PROXY: "http://secure:3128", http_proxy: "plain:3128" };

describe("the proxy on the way to a store", () => {
  test.each([
    ["https://s3.example", "http://secure:3128"],
    ["http://s3.example:9000", "http://plain:3128"],
    ["http://localhost:9000", undefined],
    ["http://127.0.0.9:9000", undefined],
    ["https://[::1]:9000", undefined],
  ])("of %s is %s", (origin, proxy) => {
    expect(proxyFor(origin, proxies)).toBe(proxy);
  });

  test.each([
    ["*", "https://s3.example", false],
    ["s3.example", "https://s3.example", false],
    [" other, S3.example ", "https://s3.example", false],
    ["example", "https://bucket.s3.example", false],
    ["3.example", "https://s3.example", true],
    [".s3.example", "https://s3.example", true],
    [".s3.example", "https://bucket.s3.example", false],
    ["*.s3.example", "https://bucket.s3.example", false],
    ["s3.example:443", "https://s3.example", false],
    ["s3.example:443", "https://s3.example:8443", true],
    ["10.0.0.0/8", "https://10.1.2.3:9000", false],
    ["10.0.0.0/8", "https://11.1.2.3:9000", true],
    ["10.0.0.0/8", "https://s3.example", true],
    ["10.0.0.0/99", "https://10.1.2.3", true],
    ["fd00::/8", "https://[fd00::1]:9000", false],
    ["fd00::1", "https://[fd00::1]:9000", false],
    ["10.1.2.3", "https://10.1.2.3:9000", false],
    ["", "https://s3.example", true],
  ])("with NO_PROXY %j to %s: %s", (noProxy, origin, isUsed) => {
    expect(proxyFor(origin, { ...proxies, no_proxy: noProxy }) !== undefined).toBe(isUsed);
  });

  test("is none for a scheme without a variable", () => {
    expect(proxyFor("https://s3.example", { HTTP_PROXY: "plain" })).toBeUndefined();
    expect(hasProxy({ NO_PROXY: "a" })).toBe(false);
    expect(hasProxy({ HTTP_PROXY: "plain" })).toBe(true);
  });

  test.each(["ftp://proxy", "http://"])("is told to be wrong: %s", (text) => {
    expect(() => proxyFor("https://s3.example", { HTTPS_PROXY: text })).toThrow(StorageUnavailableError);
    expect(() => proxyFor("https://s3.example", { HTTPS_PROXY: text })).toThrow("HTTPS_PROXY");
  });
});
