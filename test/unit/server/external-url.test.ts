import type { IncomingHttpHeaders } from "node:http";
import { describe, expect, it } from "vitest";
import { ExternalUrls } from "../../../src/server/external-url.ts";

const PLAIN = { prefix: "/", host: "", relativeUrls: false };

function urlFor(headers: IncomingHttpHeaders, encrypted = false, settings: object = {}): string {
  return new ExternalUrls({ ...PLAIN, ...settings }).urlOf({ headers, encrypted }, "v2/a");
}

describe("ExternalUrls", () => {
  it("follows the connection and the Host header", () => {
    expect(urlFor({ host: "r.example:5000" })).toBe("http://r.example:5000/v2/a");
    expect(urlFor({ host: "r.example" }, true)).toBe("https://r.example/v2/a");
    expect(urlFor({ host: "[::1]:5000" })).toBe("http://[::1]:5000/v2/a");
  });

  it("follows X-Forwarded-Proto, -Host and -Port", () => {
    const host = "127.0.0.1:5000";
    expect(urlFor({ host, "x-forwarded-proto": "https" })).toBe("https://127.0.0.1:5000/v2/a");
    expect(urlFor({ host, "x-forwarded-proto": "https", "x-forwarded-host": "r.example, inner" })).toBe(
      "https://r.example/v2/a",
    );
    const forwarded = { host, "x-forwarded-proto": "https", "x-forwarded-host": "r.example" };
    expect(urlFor({ ...forwarded, "x-forwarded-port": "8443" })).toBe("https://r.example:8443/v2/a");
    expect(urlFor({ ...forwarded, "x-forwarded-port": "443" })).toBe("https://r.example/v2/a");
    expect(urlFor({ ...forwarded, "x-forwarded-host": "r.example:1", "x-forwarded-port": "2" })).toBe(
      "https://r.example:1/v2/a",
    );
  });

  it("prefers Forwarded, its first element", () => {
    const headers = {
      host: "inner",
      forwarded: 'for=192.0.2.1;Proto=https;host="r.example:8443", for=10.0.0.1;host=other',
      "x-forwarded-host": "wrong",
    };
    expect(urlFor(headers)).toBe("https://r.example:8443/v2/a");
  });

  it("does not let clients write into our headers", () => {
    expect(urlFor({ host: "r.example", "x-forwarded-host": "evil/path?x" })).toBe("http://r.example/v2/a");
    expect(urlFor({ host: "r.example", "x-forwarded-proto": "javascript" })).toBe("http://r.example/v2/a");
    expect(urlFor({ host: "bad host" })).toBe("/v2/a");
  });

  it("gives paths where no host is known, or relative URLs are configured", () => {
    expect(urlFor({})).toBe("/v2/a");
    expect(urlFor({ host: "r.example" }, false, { relativeUrls: true, prefix: "/p/" })).toBe("/p/v2/a");
  });

  it("uses http.host before anything that a request says", () => {
    const headers = { host: "inner", "x-forwarded-host": "other" };
    expect(urlFor(headers, false, { host: "https://r.example" })).toBe("https://r.example/v2/a");
    expect(urlFor(headers, false, { host: "https://r.example", prefix: "/p/" })).toBe(
      "https://r.example/p/v2/a",
    );
    expect(urlFor(headers, false, { host: "https://r.example/reg", prefix: "/p/" })).toBe(
      "https://r.example/reg/v2/a",
    );
  });
});
