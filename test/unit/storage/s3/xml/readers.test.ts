import { describe, expect, test } from "vitest";
import { readDeleteResult } from "../../../../../src/storage/s3/xml/read-delete-result.ts";
import { readErrorBody } from "../../../../../src/storage/s3/xml/read-error.ts";
import { readFields } from "../../../../../src/storage/s3/xml/read-fields.ts";
import { readParts } from "../../../../../src/storage/s3/xml/read-parts.ts";
import { readUploads } from "../../../../../src/storage/s3/xml/read-uploads.ts";
import { readVersions } from "../../../../../src/storage/s3/xml/read-versions.ts";

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

describe("readParts", () => {
  test("gives parts with the quotes of their ETags, and where the next page begins", () => {
    const xml =
      `<ListPartsResult><UploadId>u</UploadId><IsTruncated>true</IsTruncated><NextPartNumberMarker>2</NextPartNumberMarker>` +
      `<Part><PartNumber>1</PartNumber><LastModified>${TIME}</LastModified><ETag>&quot;e1&quot;</ETag><Size>5242880</Size></Part>` +
      `<Part><PartNumber>2</PartNumber><LastModified>${TIME}</LastModified><ETag>"e2"</ETag><Size>7</Size></Part></ListPartsResult>`;
    expect(readParts(body(xml))).toEqual({
      parts: [
        { partNumber: 1, sizeBytes: 5_242_880, etag: `"e1"`, modifiedMs: TIME_MS },
        { partNumber: 2, sizeBytes: 7, etag: `"e2"`, modifiedMs: TIME_MS },
      ],
      isTruncated: true,
      nextMarker: 2,
    });
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
