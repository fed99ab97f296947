import { describe, expect, it } from "vitest";
import {
  DigestMismatchError,
  RegistryCtlError,
  StorageFullError,
  StorageUnavailableError,
} from "../../../src/errors.ts";
import { digestOf, InvalidDigestError } from "../../../src/oci/digest.ts";
import { InvalidReferenceError } from "../../../src/oci/reference.ts";
import {
  BlobUnknownError,
  ManifestUnknownError,
  RepositoryUnknownError,
  TagUnknownError,
  UploadInvalidError,
  UploadUnknownError,
} from "../../../src/registry/errors.ts";
import { ApiError } from "../../../src/server/api-error.ts";
import { errorAnswer } from "../../../src/server/error-answer.ts";
import { ERROR_TABLE } from "../../../src/server/error-table.ts";

const DIGEST = digestOf(Buffer.from("x"));

function told(error: unknown): { status: number; code: string; text: string; headers: object } {
  const answer = errorAnswer(error);
  const text = Buffer.from(answer.body instanceof Uint8Array ? answer.body : []).toString();
  return { status: answer.status, code: JSON.parse(text).errors[0].code, text, headers: answer.headers };
}

describe("errorAnswer", () => {
  it.each([
    [new BlobUnknownError("a", DIGEST), 404, "BLOB_UNKNOWN"],
    [new ManifestUnknownError("a", DIGEST), 404, "MANIFEST_UNKNOWN"],
    [new TagUnknownError("a", "t"), 404, "MANIFEST_UNKNOWN"],
    [new RepositoryUnknownError("a"), 404, "NAME_UNKNOWN"],
    [new UploadUnknownError("a", "u"), 404, "BLOB_UPLOAD_UNKNOWN"],
    [new UploadInvalidError("u", "why"), 404, "BLOB_UPLOAD_INVALID"],
    [new InvalidDigestError("x"), 400, "DIGEST_INVALID"],
    [new DigestMismatchError("a", "b"), 400, "DIGEST_INVALID"],
    [new InvalidReferenceError("repository", "A", "why"), 400, "NAME_INVALID"],
    [new InvalidReferenceError("tag", ".", "why"), 400, "TAG_INVALID"],
    [new StorageFullError("disk full"), 507, "UNKNOWN"],
    [new StorageUnavailableError("no answer"), 503, "UNAVAILABLE"],
    [new RegistryCtlError("ERR_OTHER", "other"), 500, "UNKNOWN"],
    [new TypeError("bug"), 500, "UNKNOWN"],
    ["thrown text", 500, "UNKNOWN"],
  ])("answers %s with %i %s", (error, status, code) => {
    expect(told(error)).toMatchObject({ status, code });
  });

  it("takes a denied store for a fault that trying again does not mend", () => {
    const cause = Object.assign(new Error("EACCES: /secret/path"), { code: "EACCES" });
    const answer = told(new StorageUnavailableError("denied /secret/path", { cause }));
    expect(answer).toMatchObject({ status: 500, code: "UNKNOWN" });
    expect(answer.headers).not.toHaveProperty("Retry-After");
  });

  it("asks clients to come back when the store does not answer", () => {
    expect(told(new StorageUnavailableError("x")).headers).toHaveProperty("Retry-After", "5");
  });

  it("tells clients nothing of what happens inside", () => {
    for (const error of [new TypeError("bug in /srv/x.ts"), new StorageFullError("/srv/x is full")]) {
      expect(told(error).text).not.toContain("/srv");
    }
  });

  it("gives one entry for each detail", () => {
    const answer = errorAnswer(
      new ApiError("MANIFEST_BLOB_UNKNOWN", { details: [{ digest: 1 }, { digest: 2 }] }),
    );
    const { errors } = JSON.parse(Buffer.from(answer.body as Uint8Array).toString());
    expect(errors.map((entry: { detail: unknown }) => entry.detail)).toEqual([{ digest: 1 }, { digest: 2 }]);
  });
});

describe("ERROR_TABLE", () => {
  it("has only statuses of failures and codes of the spec's form", () => {
    for (const [key, row] of Object.entries(ERROR_TABLE)) {
      expect(row.status, key).toBeGreaterThanOrEqual(400);
      expect("code" in row ? row.code : key).toMatch(/^[A-Z_]+$/);
    }
  });
});
