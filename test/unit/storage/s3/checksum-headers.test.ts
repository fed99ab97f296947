import { describe, expect, test } from "vitest";
import { checksumHeaders } from "../../../../src/storage/s3/checksum-headers.ts";

const body = Buffer.from("123456789");
const put = { method: "PUT", key: "a", body } as const;
const base64 = (hex: string) => Buffer.from(hex, "hex").toString("base64");

describe("checksumHeaders", () => {
  /** @see https://reveng.sourceforge.io/crc-catalogue/ for the check values of "123456789" */
  test.each([
    ["CRC32", "x-amz-checksum-crc32", "cbf43926"],
    ["CRC32C", "x-amz-checksum-crc32c", "e3069283"],
    ["CRC64NVME", "x-amz-checksum-crc64nvme", "ae8b14860a799888"],
    ["SHA1", "x-amz-checksum-sha1", "f7c3bc1d808e04732adf679965ccc34ca7ae3441"],
    ["SHA256", "x-amz-checksum-sha256", "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"],
  ] as const)("makes %s", (algorithm, header, hex) => {
    expect(checksumHeaders(put, { when: "supported", algorithm })).toEqual({ [header]: base64(hex) });
  });

  test("takes CRC32 where the configuration names none", () => {
    const settings = { when: "supported", algorithm: undefined } as const;
    expect(checksumHeaders(put, settings)).toEqual({ "x-amz-checksum-crc32": base64("cbf43926") });
  });

  test("sends none to older stores, but with a removal of many, which all want one of", () => {
    const settings = { when: "required", algorithm: undefined } as const;
    expect(checksumHeaders(put, settings)).toEqual({});
    const removal = { method: "POST", query: { delete: "" }, body } as const;
    expect(checksumHeaders(removal, settings)).toEqual({ "content-md5": "JfnnlDI7RTiF9RgfG2JNCw==" });
  });

  test("adds none to one that is there, to a copy, or where there is no body", () => {
    const settings = { when: "supported", algorithm: undefined } as const;
    expect(checksumHeaders({ ...put, headers: { "content-md5": "x" } }, settings)).toEqual({});
    expect(checksumHeaders({ ...put, headers: { "x-amz-checksum-sha1": "x" } }, settings)).toEqual({});
    expect(checksumHeaders({ ...put, headers: { "x-amz-copy-source": "x" } }, settings)).toEqual({});
    expect(checksumHeaders({ method: "PUT", key: "a" }, settings)).toEqual({});
  });

  test("leaves parts alone, unless their upload was begun with the kind that is configured", () => {
    const part = { ...put, query: { uploadId: "u", partNumber: "1" } };
    expect(checksumHeaders(part, { when: "supported", algorithm: undefined })).toEqual({});
    expect(checksumHeaders(part, { when: "supported", algorithm: "SHA1" })).toHaveProperty([
      "x-amz-checksum-sha1",
    ]);
  });
});
