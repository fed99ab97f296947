import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { loadTarget, readTarget } from "../../../src/config/load-target.ts";
import { parseSection, sectionAsJson } from "../../../src/config/target-section.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

const S3 = "bucket: b\nregion: eu-central-1\n";

async function fileWith(text: string): Promise<string> {
  const file = join(await temporaryFolder(), "target.yml");
  await writeFile(file, text);
  return file;
}

describe("loadTarget", () => {
  it.each([
    [
      "a whole configuration",
      `version: 0.1\nstorage:\n  s3:\n    bucket: b\n    region: eu-central-1\n  delete: {enabled: true}\n`,
    ],
    ["a file with storage alone", `storage:\n  s3: {bucket: b, region: eu-central-1}\n`],
    ["a file with the driver's section alone", `s3:\n  bucket: b\n  region: eu-central-1\n`],
  ])("takes %s", async (_what, text) => {
    const { storage, section, missing } = await loadTarget({
      file: await fileWith(text),
      values: {},
      env: {},
    });
    expect(storage).toMatchObject({ driver: "s3", bucket: "b", region: "eu-central-1" });
    expect(section).toBe("storage:\n  s3:\n    bucket: b\n    region: eu-central-1\n");
    expect(missing).toEqual([]);
  });

  it("takes the driver's keys alone where the driver is named", async () => {
    const { storage } = await loadTarget({ file: await fileWith(S3), driver: "s3", values: {}, env: {} });
    expect(storage).toMatchObject({ driver: "s3", bucket: "b" });
  });

  it("lets values count more than the file, and writes booleans and numbers without quotes", async () => {
    const values = {
      bucket: "other",
      secure: "false",
      chunksize: "5242880",
      regionendpoint: "127.0.0.1:9000",
    };
    const { storage, section } = await loadTarget({
      file: await fileWith(S3),
      driver: "s3",
      values,
      env: {},
    });
    expect(storage).toMatchObject({
      bucket: "other",
      endpoint: "http://127.0.0.1:9000",
      chunkBytes: 5_242_880,
    });
    expect(section).toContain("secure: false\n");
    expect(section).toContain("chunksize: 5242880\n");
  });

  it("finds secrets in the environment, and leaves those of the file where they are none", async () => {
    const file = await fileWith(`${S3}accesskey: "0123"\nsecretkey: fromfile\n`);
    const env = { REGISTRY_CTL_TARGET_SECRETKEY: "from: the environment" };
    const { storage, section } = await loadTarget({ file, driver: "s3", values: {}, env });
    expect(storage).toMatchObject({ credentials: { accessKey: "0123", secretKey: "from: the environment" } });
    expect(sectionAsJson(parseSection(section))).toBe(
      '{"bucket":"b","region":"eu-central-1","accesskey":"0123","secretkey":"from: the environment"}',
    );
  });

  it("does not take overrides that are meant for the registry's own store", async () => {
    const env = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/elsewhere", REGISTRY_STORAGE_S3_BUCKET: "c" };
    const { storage } = await loadTarget({ file: await fileWith(S3), driver: "s3", values: {}, env });
    expect(storage).toMatchObject({ driver: "s3", bucket: "b" });
  });

  it("counts a folder from the working folder", async () => {
    const values = { rootdirectory: "./there" };
    const { storage } = await loadTarget({ driver: "filesystem", values, env: {}, cwd: "/srv" });
    expect(storage).toMatchObject({ driver: "filesystem", rootDirectory: "/srv/there" });
  });

  it("says what is missing", async () => {
    expect((await readTarget({ driver: "s3", values: {}, env: {} })).missing).toEqual(["bucket", "region"]);
    expect((await readTarget({ driver: "filesystem", values: {}, env: {} })).missing).toEqual([
      "rootdirectory",
    ]);
    expect((await readTarget({ values: {}, env: {} })).missing).toEqual(["the driver"]);
    await expect(loadTarget({ driver: "s3", values: {}, env: {} })).rejects.toThrow("lacks bucket, region");
  });

  it.each([
    ["storage:\n  azure:\n    accountname: a\n", "azure is not implemented"],
    ["storage:\n  gcs:\n    bucket: a\n", "gcs is not implemented"],
    ["storage: inmemory\n", "in memory"],
    ["storage:\n  s3: {bucket: b, region: r1}\n  filesystem: {rootdirectory: /a}\n", "more than one"],
    ["storage:\n  s3: {bucket: a/b, region: r1}\n", "without a slash"],
    ["- a\n", "has no keys"],
  ])("refuses %j", async (text, message) => {
    await expect(loadTarget({ file: await fileWith(text), values: {}, env: {} })).rejects.toThrow(message);
  });

  it("refuses a file that is about another driver than the one that is named", async () => {
    const file = await fileWith("storage:\n  s3: {bucket: b, region: r1}\n");
    await expect(loadTarget({ file, driver: "filesystem", values: {}, env: {} })).rejects.toThrow(
      "not about filesystem",
    );
  });
});
