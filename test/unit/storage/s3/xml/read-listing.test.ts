import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { escapeXml } from "../../../../../src/storage/s3/xml/escape-xml.ts";
import { readListing } from "../../../../../src/storage/s3/xml/read-listing.ts";
import { XmlError } from "../../../../../src/storage/s3/xml/xml-scanner.ts";

const page = (content: string) =>
  Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n` +
      `<ListBucketResult xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Name>b</Name>${content}</ListBucketResult>`,
  );

const contents = (key: string) =>
  `<Contents><Key>${key}</Key><LastModified>2026-11-21T12:00:00.500Z</LastModified>` +
  `<ETag>&quot;abc&quot;</ETag><Size>71</Size><StorageClass>STANDARD</StorageClass>` +
  `<Owner><ID>i</ID><DisplayName>d</DisplayName></Owner></Contents>`;

describe("readListing", () => {
  test("gives key, size and time of each object in order", () => {
    const { objects } = readListing(page(contents("a/1") + contents("a/2")));
    const rest = { sizeBytes: 71, modifiedMs: Date.UTC(2026, 10, 21, 12, 0, 0, 500) };
    expect(objects).toEqual([
      { key: "a/1", ...rest },
      { key: "a/2", ...rest },
    ]);
  });

  test("says that there is more, and where", () => {
    const listing = readListing(
      page("<IsTruncated>true</IsTruncated><NextContinuationToken>a&amp;b==</NextContinuationToken>"),
    );
    expect(listing).toEqual({ objects: [], prefixes: [], isTruncated: true, nextToken: "a&b==" });
  });

  test("gives common prefixes, wherever they stand", () => {
    const prefixes = "<CommonPrefixes><Prefix>b/</Prefix></CommonPrefixes>";
    const listing = readListing(
      page(
        `<Prefix></Prefix>${prefixes}${contents("a")}<CommonPrefixes><Prefix>c/</Prefix></CommonPrefixes>`,
      ),
    );
    expect(listing.prefixes).toEqual(["b/", "c/"]);
    expect(listing.objects).toHaveLength(1);
  });

  test("decodes keys only if the store says that they are encoded, even behind them", () => {
    const encoded = contents("a%2Bb+c%20%E2%82%AC/%0A");
    expect(readListing(page(encoded)).objects[0]?.key).toBe("a%2Bb+c%20%E2%82%AC/%0A");
    expect(readListing(page(`${encoded}<EncodingType>url</EncodingType>`)).objects[0]?.key).toBe(
      "a+b c €/\n",
    );
  });

  test("is an error if it is another document, which would pass for a folder without files", () => {
    for (const text of ["<maintenance/>", "<ListAllMyBucketsResult><Buckets/></ListAllMyBucketsResult>"]) {
      expect(() => readListing(Buffer.from(text))).toThrow(XmlError);
    }
  });

  test("gives ETags without quotes, if they are wanted", () => {
    expect(readListing(page(contents("a/1")), true).objects[0]?.etag).toBe("abc");
    expect(readListing(page(contents("a/1"))).objects[0]).not.toHaveProperty("etag");
  });

  test("is an error if the page breaks off between two objects", () => {
    const whole = page(contents("a/1") + contents("a/2")).toString();
    const cut = whole.slice(0, whole.indexOf("</Contents>") + "</Contents>".length);
    expect(() => readListing(Buffer.from(cut))).toThrow(XmlError);
  });

  test("gives any key back as it was escaped", () => {
    // Characters that XML 1.0 cannot have come encoded.
    const key = fc.string({ unit: "grapheme" }).filter((text) => !/[\p{Cc}\uFFFE\uFFFF]/u.test(text));
    fc.assert(
      fc.property(key, (text) => {
        expect(readListing(page(contents(escapeXml(text)))).objects[0]?.key).toBe(text);
        const encoded = `${contents(encodeURIComponent(text))}<EncodingType>url</EncodingType>`;
        expect(readListing(page(encoded)).objects[0]?.key).toBe(text);
      }),
    );
  });
});
