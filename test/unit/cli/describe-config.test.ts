import { describe, expect, it } from "vitest";
import { describeConfig } from "../../../src/cli/describe-config.ts";
import { readConfig } from "../../../src/config/read-config.ts";
import type { StorageSettings } from "../../../src/config/settings.ts";
import { bucketSettings } from "../../support/bucket-settings.ts";

function storeLine(storage: StorageSettings): string | undefined {
  const { settings } = readConfig("version: 0.1\nstorage: inmemory\n", "config.yml", {});
  if (settings === undefined) throw new Error("the test's configuration is of no use");
  const [, line] = describeConfig({
    source: { kind: "embedded" },
    settings: { ...settings, storage },
    warnings: [],
    usesMetadataDatabase: false,
  });
  return line;
}

describe("describeConfig", () => {
  it.each([
    [{ driver: "filesystem", rootDirectory: "/srv/registry", maxThreads: 100 }, "filesystem /srv/registry"],
    [{ driver: "inmemory" }, "inmemory (lost when the process ends)"],
    [bucketSettings({ region: "eu-central-1" }), "s3 s3://registry (AWS, eu-central-1)"],
    [
      bucketSettings({
        driver: "s3_v2",
        rootDirectory: "a/b",
        endpoint: "http://127.0.0.1:9000",
        pathStyle: true,
      }),
      "s3_v2 s3://registry/a/b (at http://127.0.0.1:9000, bucket in the path)",
    ],
    [
      bucketSettings({ endpoint: "https://s3.example.com" }),
      "s3 s3://registry (at https://s3.example.com, bucket in the host name)",
    ],
  ] satisfies [StorageSettings, string][])("says which store it is: %j", (storage, line) => {
    expect(storeLine(storage)).toBe(`store:  ${line}`);
  });
});
