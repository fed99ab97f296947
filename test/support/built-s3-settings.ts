import { buildSettings } from "../../src/config/build-settings.ts";
import { checkWhole } from "../../src/config/check-whole.ts";
import { parseYaml } from "../../src/config/parse-yaml.ts";
import { readValues } from "../../src/config/read-values.ts";
import type { S3StorageSettings } from "../../src/config/settings.ts";

/** What a section of S3 comes to. */
export interface BuiltS3 {
  storage: S3StorageSettings;
  /** Kind, key below the driver and message behind the key. */
  said: string[];
  notes: string[];
}

/** Reads a configuration with these keys under the driver, beside a bucket and a region. */
export function buildS3(keys: Readonly<Record<string, unknown>>, driver: "s3" | "s3_v2" = "s3"): BuiltS3 {
  const section = { bucket: "registry", region: "eu-central-1", ...keys };
  const text = JSON.stringify({ version: 0.1, storage: { [driver]: section } });
  const { root } = parseYaml(text, { kind: "file", file: "config.yml" });
  if (root?.kind !== "map") throw new Error("the test's configuration is no mapping");
  const read = readValues(root);
  const built = buildSettings(root, read);
  const { storage } = built.settings;
  if (storage.driver !== driver) throw new Error(`the settings are those of ${storage.driver}`);
  const findings = [...read.findings, ...checkWhole(root), ...built.findings];
  const said = findings.map(({ kind, message }) => `${kind}: ${message.replace(`storage.${driver}.`, "")}`);
  return { storage, said, notes: built.notes };
}
