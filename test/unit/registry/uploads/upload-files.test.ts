import { describe, expect, it } from "vitest";
import { isUploadFile, isUploadId, parseStartedAt } from "../../../../src/registry/uploads/upload-files.ts";

const UUID = "0f4b1b0e-9a3c-4b6e-8d7d-6a5d2c1b0a99";

describe("files of an upload", () => {
  it.each([
    "data",
    "startedat",
    "hashstates/sha256/0",
    "hashstates/sha512/1234567",
    "tail/0",
    "tail/5242880",
    `startedat.${UUID}.tmp`,
    `hashstates/sha256/10.${UUID}.tmp`,
  ])("are those that registries write: %s", (file) => {
    expect(isUploadFile(file)).toBe(true);
  });

  it.each([
    "",
    "data/x",
    "datax",
    "x/data",
    "link",
    "tail",
    "tail/x",
    "hashstates/sha256",
    "hashstates/sha256/x",
    "hashstates/../../0",
    "startedat.tmp",
  ])("are no others: %j", (file) => {
    expect(isUploadFile(file)).toBe(false);
  });

  it("lie in a folder named by an id", () => {
    expect(isUploadId(UUID)).toBe(true);
    expect(isUploadId(UUID.toUpperCase())).toBe(true);
    for (const name of ["", "x", `${UUID}x`, ` ${UUID}`, UUID.replaceAll("-", "")]) {
      expect(isUploadId(name)).toBe(false);
    }
  });
});

describe("a start time", () => {
  const parse = (text: string) => parseStartedAt(Buffer.from(text));

  it.each([
    ["2026-01-02T03:04:05Z", Date.UTC(2026, 0, 2, 3, 4, 5)],
    ["2026-01-02T03:04:05.123456789+01:00\n", Date.UTC(2026, 0, 2, 2, 4, 5, 123)],
  ])("is read as the Go registry and we write it: %j", (text, time) => {
    expect(parse(text)).toBe(time);
  });

  it.each(["", "yesterday", "2026", "1767323045", "2026-01-02", "2026-13-41T03:04:05Z", "\0\0\0"])(
    "is damaged otherwise: %j",
    (text) => {
      expect(parse(text)).toBeUndefined();
    },
  );
});
