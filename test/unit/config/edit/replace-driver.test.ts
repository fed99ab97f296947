import { describe, expect, it } from "vitest";
import { driverSectionOf, replaceDriver } from "../../../../src/config/edit/replace-driver.ts";
import { parseSection } from "../../../../src/config/target-section.ts";

const S3 = parseSection(
  'storage:\n  s3:\n    bucket: b\n    region: eu-central-1\n    secure: false\n    secretkey: "0123"\n',
);

describe("replaceDriver", () => {
  it("replaces the driver's lines and nothing else", () => {
    const text =
      "# ours\nversion: 0.1\nstorage:\n  delete:\n    enabled: true # keep\n  filesystem:\n    rootdirectory: /srv # old\n  # caches\n  cache:\n    blobdescriptor: inmemory\nhttp:\n  addr: :5000\n";
    expect(replaceDriver(text, S3)).toBe(
      '# ours\nversion: 0.1\nstorage:\n  delete:\n    enabled: true # keep\n  s3:\n    bucket: b\n    region: eu-central-1\n    secure: false\n    secretkey: "0123" # old\n  # caches\n  cache:\n    blobdescriptor: inmemory\nhttp:\n  addr: :5000\n',
    );
  });

  it("replaces it at the end of the file, with other steps and line ends", () => {
    const text = "version: 0.1\r\nstorage:\r\n    filesystem:\r\n        rootdirectory: /srv\r\n";
    expect(replaceDriver(text, S3)).toContain(
      "    s3:\r\n        bucket: b\r\n        region: eu-central-1\r\n",
    );
  });

  it("replaces it in the one-line JSON that GitLab's packages render", () => {
    const text =
      'version: 0.1\nstorage: {"filesystem":{"rootdirectory":"/srv"},"cache":{"blobdescriptor":"inmemory"},"delete":{"enabled":true}}\n';
    expect(replaceDriver(text, S3)).toBe(
      'version: 0.1\nstorage: {"s3": {"bucket":"b","region":"eu-central-1","secure":false,"secretkey":"0123"},"cache":{"blobdescriptor":"inmemory"},"delete":{"enabled":true}}\n',
    );
  });

  it("replaces a driver that is no more than a word", () => {
    expect(replaceDriver("version: 0.1\nstorage: filesystem\nhttp: {addr: ':5000'}\n", S3)).toBe(
      "version: 0.1\nstorage: \n  s3:\n    bucket: b\n    region: eu-central-1\n    secure: false\n    secretkey: \"0123\"\nhttp: {addr: ':5000'}\n",
    );
  });

  it("refuses what anchors and merges share", () => {
    const text =
      "version: 0.1\nx: &base\n  filesystem: {rootdirectory: /srv}\n  cache: {blobdescriptor: inmemory}\nstorage:\n  <<: *base\n  delete: {enabled: true}\n";
    expect(() => replaceDriver(text, S3)).toThrow("cannot be replaced");
  });

  it("goes there and back again", () => {
    const text =
      "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /srv\n  delete:\n    enabled: true\n";
    const old = driverSectionOf(text, "config.yml");
    expect(old?.driver).toBe("filesystem");
    if (old !== undefined) expect(replaceDriver(replaceDriver(text, S3), old)).toBe(text);
  });
});
