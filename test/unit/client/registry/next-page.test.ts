import { describe, expect, it } from "vitest";
import { nextPageOf } from "../../../../src/client/registry/next-page.ts";

describe("the next page of a list", () => {
  const page = new URL("https://registry.example/prefix/v2/a/tags/list?n=2");
  const of = (header: string): string | undefined => nextPageOf(header, page)?.href;

  it("is behind a relative or an absolute link of the same registry", () => {
    const next = "https://registry.example/prefix/v2/a/tags/list?last=b&n=2";
    for (const link of [next, "/prefix/v2/a/tags/list?last=b&n=2", "?last=b&n=2"]) {
      expect(of(`<${link}>; rel="next"`)).toBe(next);
      expect(of(`<${link}>; rel=next`)).toBe(next);
      expect(of(`</other>; rel="prev", <${link}>; rel="last next"`)).toBe(next);
    }
    // A registry behind a proxy does not always know of TLS, or of the proxy's port.
    expect(of('<http://registry.example/prefix/v2/a/tags/list?last=b&n=2>; rel="next"')).toBe(next);
  });

  it("is none without such a link", () => {
    expect([of(""), of("<x>"), of('<x>; rel="nextish"'), of('<x>; rel="prev"')]).toEqual([
      ...[undefined, undefined, undefined, undefined],
    ]);
  });

  it("is on no other host", () => {
    for (const link of ["https://thief.example/x", "//thief.example/x", "https://registry.example:444/x"]) {
      expect(() => of(`<${link}>; rel="next"`)).toThrow("on another host");
    }
    expect(() => of('<http://[>; rel="next"')).toThrow("that there cannot be");
  });
});
