import { describe, expect, it } from "vitest";
import { createS3Store } from "../../../../../src/storage/s3/create-s3-store.ts";
import { S3ConnectionError } from "../../../../../src/storage/s3/s3-lane.ts";
import { uploadsOf } from "../../../../../src/storage/s3/writers/read-unfinished.ts";
import { plainServerOfTest } from "../../../../support/s3-lane.ts";

describe("a listing of multipart uploads that has more", () => {
  it.each([
    ["and does not say where", ""],
    ["where it is already", "<NextKeyMarker>a</NextKeyMarker>"],
  ])("%s is no whole one", async (_case, marker) => {
    const inner = `${marker}<IsTruncated>true</IsTruncated>`;
    const { settings } = await plainServerOfTest((_request, response) => {
      response.end(`<?xml version="1.0"?><ListMultipartUploadsResult>${inner}</ListMultipartUploadsResult>`);
    });
    const store = createS3Store(settings("registry"), { sleep: async () => undefined });
    await expect(uploadsOf(store, "a")).rejects.toThrow(S3ConnectionError);
  });
});

it("finds uploads below a root with odd characters on a store that encodes keys and does not say so", async () => {
  const { settings } = await plainServerOfTest((request, response) => {
    const isAsked = request.url?.includes("encoding-type") === true;
    const key = isAsked ? "my%20root/data" : "my root/data";
    response.end(
      `<ListMultipartUploadsResult><Upload><Key>${key}</Key><UploadId>u</UploadId></Upload></ListMultipartUploadsResult>`,
    );
  });
  const store = createS3Store(settings("registry"), { sleep: async () => undefined });
  expect(await uploadsOf(store, "my root/data")).toMatchObject([{ uploadId: "u" }]);
});
