import { describe, expect, test } from "vitest";
import { readDeleteResult } from "../../../../../src/storage/s3/xml/read-delete-result.ts";
import { readErrorBody } from "../../../../../src/storage/s3/xml/read-error.ts";
import { readFields } from "../../../../../src/storage/s3/xml/read-fields.ts";
import { readUploads } from "../../../../../src/storage/s3/xml/read-uploads.ts";
import { readVersions } from "../../../../../src/storage/s3/xml/read-versions.ts";
import { XmlError } from "../../../../../src/storage/s3/xml/xml-scanner.ts";

const body = (xml: string) => Buffer.from(`<?xml version="1.0" encoding="UTF-8"?>${xml}`);
const TIME = "2026-11-21T12:00:00.000Z";
const TIME_MS = Date.UTC(2026, 10, 21, 12);

describe("readErrorBody", () => {
  test("gives code, message and what else the store says", () => {
    const xml =
      "<Error><Code>PermanentRedirect</Code><Message>Elsewhere &amp; far</Message>" +
      "<Endpoint>s3.eu-west-1.amazonaws.com</Endpoint><RequestId>R1</RequestId></Error>";
    expect(readErrorBody(body(xml))).toEqual({
      code: "PermanentRedirect",
      message: "Elsewhere & far",
      requestId: "R1",
      details: expect.objectContaining({ Endpoint: "s3.eu-west-1.amazonaws.com" }),
    });
  });

  test("finds an error that is wrapped", () => {
    const xml =
      "<ErrorResponse><RequestId>1</RequestId><Error><Code>Throttling</Code></Error></ErrorResponse>";
    expect(readErrorBody(body(xml))?.code).toBe("Throttling");
  });

  test("keeps the code of a body that breaks off", () => {
    expect(readErrorBody(body("<Error><Code>SlowDown</Code><Message>Plea"))?.code).toBe("SlowDown");
  });

  test.each(["", "<html><body>502</body></html>", "<Error><Co", "<ListBucketResult/>"])(
    "is nothing for %j",
    (xml) => {
      expect(readErrorBody(Buffer.from(xml))).toBeUndefined();
    },
  );
});

describe("readDeleteResult", () => {
  test("gives only what is still there", () => {
    const xml =
      "<DeleteResult><Deleted><Key>a</Key></Deleted>" +
      "<Error><Key>b&amp;c</Key><Code>AccessDenied</Code><Message>No</Message></Error></DeleteResult>";
    expect(readDeleteResult(body(xml))).toEqual([{ key: "b&c", code: "AccessDenied", message: "No" }]);
  });

  test("is empty for a quiet success", () => {
    expect(readDeleteResult(body(`<DeleteResult xmlns="x"/>`))).toEqual([]);
  });
});

describe("readUploads", () => {
  test("gives uploads and both markers, decoded", () => {
    const xml =
      `<ListMultipartUploadsResult><EncodingType>url</EncodingType><NextKeyMarker>a%2Bb</NextKeyMarker>` +
      `<NextUploadIdMarker>u%2B1</NextUploadIdMarker><IsTruncated>true</IsTruncated>` +
      `<Upload><Key>a%2Bb</Key><UploadId>u%2B1</UploadId><Initiator><ID>i</ID></Initiator><Initiated>${TIME}</Initiated></Upload>` +
      `</ListMultipartUploadsResult>`;
    expect(readUploads(body(xml))).toEqual({
      uploads: [{ key: "a+b", uploadId: "u%2B1", initiatedMs: TIME_MS }],
      isTruncated: true,
      nextKeyMarker: "a+b",
      nextUploadIdMarker: "u%2B1",
    });
  });
});

describe("readVersions", () => {
  test("tells versions and marks of removals apart", () => {
    const xml =
      `<ListVersionsResult><IsTruncated>false</IsTruncated>` +
      `<DeleteMarker><Key>a</Key><VersionId>v2</VersionId><IsLatest>true</IsLatest></DeleteMarker>` +
      `<Version><Key>a</Key><VersionId>v1</VersionId><IsLatest>false</IsLatest><Size>9</Size></Version></ListVersionsResult>`;
    expect(readVersions(body(xml))).toEqual({
      versions: [
        { key: "a", versionId: "v2", isLatest: true, isDeleteMarker: true, sizeBytes: 0 },
        { key: "a", versionId: "v1", isLatest: false, isDeleteMarker: false, sizeBytes: 9 },
      ],
      isTruncated: false,
      nextKeyMarker: "",
      nextVersionIdMarker: "",
    });
  });
});

test("readFields gives plain elements by name", () => {
  const xml = `<InitiateMultipartUploadResult xmlns="x"><Bucket>b</Bucket><UploadId>2~&lt;x</UploadId></InitiateMultipartUploadResult>`;
  expect(readFields(body(xml))).toEqual({ Bucket: "b", UploadId: "2~<x" });
});

test.each([readDeleteResult, readUploads, readVersions])(
  "%o takes no other document for an empty one",
  (read) => {
    for (const xml of ["<maintenance/>", "<ListAllMyBucketsResult/>"]) {
      expect(() => read(body(xml))).toThrow(XmlError);
    }
  },
);
