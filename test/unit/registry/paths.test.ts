import fc from "fast-check";
import { describe, expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import {
  blobDataPath,
  classifyPath,
  layerLinkPath,
  revisionLinkPath,
  tagCurrentLinkPath,
  tagHistoryLinkPath,
  uploadDataPath,
  uploadStartedAtPath,
} from "../../../src/registry/paths.ts";

const HEX = "ab".repeat(32);
const ROOT = "/docker/registry/v2";

describe("a path of the store", () => {
  it("tells what it was made from", () => {
    const part = fc.stringMatching(/^[a-z0-9]{1,3}([._-][a-z0-9]{1,2})?$/);
    const name = fc.array(part, { minLength: 1, maxLength: 4 }).map((parts) => parts.join("/"));
    const tag = fc.stringMatching(/^[A-Za-z0-9_][A-Za-z0-9._-]{0,5}$/);
    const digest = fc
      .tuple(fc.uint8Array(), fc.constantFrom("sha256" as const, "sha512" as const))
      .map(([bytes, algorithm]) => digestOf(bytes, algorithm));
    fc.assert(
      fc.property(name, tag, digest, fc.uuid(), (repository, tag, digest, uuid) => {
        expect(classifyPath(blobDataPath(digest))).toEqual({ kind: "blob", digest });
        const entries = [
          [layerLinkPath(repository, digest), { kind: "layerLink", repository, digest }],
          [revisionLinkPath(repository, digest), { kind: "revisionLink", repository, digest }],
          [tagCurrentLinkPath(repository, tag), { kind: "tagLink", repository, tag }],
          [tagHistoryLinkPath(repository, tag, digest), { kind: "tagHistoryLink", repository, tag, digest }],
          [uploadDataPath(repository, uuid), { kind: "upload", repository, uuid, file: "data" }],
          [uploadStartedAtPath(repository, uuid), { kind: "upload", repository, uuid, file: "startedat" }],
        ] as const;
        for (const [path, entry] of entries) expect(classifyPath(path)).toEqual(entry);
      }),
    );
  });

  it("is the Go registry's", () => {
    const digest = digestOf(new Uint8Array());
    const hex = digest.slice(7);
    expect(blobDataPath(digest)).toBe(`${ROOT}/blobs/sha256/e3/${hex}/data`);
    expect(tagHistoryLinkPath("a/b", "v1", digest)).toBe(
      `${ROOT}/repositories/a/b/_manifests/tags/v1/index/sha256/${hex}/link`,
    );
  });

  it.each([
    `${ROOT}/blobs/sha256/cd/${HEX}/data`,
    `${ROOT}/blobs/sha256/ab/${HEX}/data/x`,
    `${ROOT}/blobs/sha256/ab/${HEX}/link`,
    `${ROOT}/blobs/md5/ab/${HEX}/data`,
    `${ROOT}/blobs/`,
    `${ROOT}/repositories/`,
    `${ROOT}/repositories/a/file`,
    `${ROOT}/repositories/A/_layers/sha256/${HEX}/link`,
    `${ROOT}/repositories/a/_layers/sha256/${HEX}/link/x`,
    `${ROOT}/repositories/a/_layers/sha256/${HEX}/`,
    `${ROOT}/repositories/a/_manifests/revisions/sha256/${HEX}/signatures/sha256/${HEX}/link`,
    `${ROOT}/repositories/a/_manifests/tags/.x/current/link`,
    `${ROOT}/repositories/a/_manifests/tags/v1/current/other`,
    `${ROOT}/repositories/a/_uploads/`,
    "/scheduler-state.json",
  ])("is unknown if the layout does not have it: %s", (path) => {
    expect(classifyPath(path)).toEqual({ kind: "unknown" });
  });
});
