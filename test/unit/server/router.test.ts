import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { isRepositoryName } from "../../../src/oci/reference.ts";
import { matchRoute } from "../../../src/server/router.ts";

const DIGEST = `sha256:${"a".repeat(64)}`;

describe("matchRoute", () => {
  it.each([
    ["/", "root", "", ""],
    ["/v2", "base", "", ""],
    ["/v2/", "base", "", ""],
    ["/v2/_catalog", "catalog", "", ""],
    ["/v2/a/tags/list", "tags", "a", ""],
    ["/v2/a/b/c/tags/list", "tags", "a/b/c", ""],
    ["/v2/a/tags/reference/v1", "tag", "a", "v1"],
    ["/v2/a/manifests/latest", "manifest", "a", "latest"],
    [`/v2/a/manifests/${DIGEST}`, "manifest", "a", DIGEST],
    [`/v2/a/blobs/${DIGEST}`, "blob", "a", DIGEST],
    ["/v2/a/blobs/uploads/", "uploads", "a", ""],
    ["/v2/a/blobs/uploads", "uploads", "a", ""],
    ["/v2/a/blobs/uploads/some-id", "upload", "a", "some-id"],
    [`/v2/a/referrers/${DIGEST}`, "referrers", "a", DIGEST],
  ])("reads %s as %s", (path, kind, name, reference) => {
    expect(matchRoute(path, "/")).toEqual({ kind, name, reference });
  });

  it("takes words of the API as parts of names", () => {
    expect(matchRoute("/v2/blobs/manifests/tags/list/manifests/manifests", "/")).toEqual({
      kind: "manifest",
      name: "blobs/manifests/tags/list",
      reference: "manifests",
    });
    expect(matchRoute("/v2/v2/blobs/uploads/manifests/x", "/")).toMatchObject({
      kind: "manifest",
      name: "v2/blobs/uploads",
    });
    expect(matchRoute("/v2/tags/list/tags/list", "/")).toMatchObject({ kind: "tags", name: "tags/list" });
  });

  it("decodes percent-encoding once, so that names are checked as they will be used", () => {
    expect(matchRoute(`/v2/a/blobs/${DIGEST.replace(":", "%3A")}`, "/")).toMatchObject({ reference: DIGEST });
    expect(matchRoute("/v2/%2e%2e/%2e%2e/manifests/x", "/")).toMatchObject({ name: "../.." });
    expect(matchRoute("/v2/a%252f..%252fb/manifests/x", "/")).toMatchObject({ name: "a%2f..%2fb" });
  });

  it.each([
    "/v1/",
    "/v2x/",
    "/v2/a",
    "/v2/a/tags",
    "/v2/a/tags/list/",
    "/v2/manifests/x",
    "/v2/%zz/tags/list",
    "*",
  ])("knows nothing at %s", (path) => expect(matchRoute(path, "/")).toBeUndefined());

  it("serves below the prefix only", () => {
    expect(matchRoute("/reg/v2/", "/reg/")).toMatchObject({ kind: "base" });
    expect(matchRoute("/reg/v2/a/manifests/b", "/reg/")).toMatchObject({ kind: "manifest", name: "a" });
    expect(matchRoute("/v2/a/manifests/b", "/reg/")).toBeUndefined();
    expect(matchRoute("/reg/", "/reg/")).toMatchObject({ kind: "root" });
  });

  it("finds name and reference again for any name of the grammar", () => {
    const component = fc.stringMatching(/^[a-z0-9]{1,8}$/);
    const word = fc.constantFrom(
      "manifests",
      "blobs",
      "uploads",
      "tags",
      "list",
      "referrers",
      "reference",
      "v2",
    );
    const name = fc.array(fc.oneof(component, word), { minLength: 1, maxLength: 5 }).map((p) => p.join("/"));
    fc.assert(
      fc.property(name, fc.stringMatching(/^[a-z0-9._-]{1,20}$/), (repository, reference) => {
        expect(isRepositoryName(repository)).toBe(true);
        const path = `/v2/${repository}/manifests/${reference}`;
        expect(matchRoute(path, "/")).toEqual({ kind: "manifest", name: repository, reference });
      }),
    );
  });
});
