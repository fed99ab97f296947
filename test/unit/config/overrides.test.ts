import { describe, expect, it } from "vitest";
import { formatFinding } from "../../../src/config/finding.ts";
import { type ReadConfig, readConfig } from "../../../src/config/read-config.ts";

const TEXT = `version: 0.1
storage:
  filesystem:
    rootdirectory: /srv
http:
  addr: :5000
  headers:
    X-Old: [a]
`;

function read(env: Record<string, string>, text = TEXT): ReadConfig {
  return readConfig(text, "c.yml", env);
}

function said(env: Record<string, string>, text = TEXT): string[] {
  return read(env, text).findings.map(formatFinding);
}

describe("REGISTRY_* overrides", () => {
  it("set keys, lists and whole sections, with values read as YAML", () => {
    const { settings, findings } = read({
      REGISTRY_HTTP_ADDR: "127.0.0.1:5001",
      REGISTRY_STORAGE_DELETE_ENABLED: "yes",
      REGISTRY_STORAGE_MAINTENANCE_READONLY: "{enabled: true}",
      REGISTRY_HTTP_HEADERS: "{X-New: [b, c]}",
      REGISTRY_LOG_FIELDS_SERVICE: "registry",
    });
    expect(findings).toEqual([]);
    expect(settings).toMatchObject({
      deleteEnabled: true,
      readOnly: true,
      log: { fields: { service: "registry" } },
    });
    expect(settings?.http).toMatchObject({ addr: "127.0.0.1:5001", headers: { "X-New": ["b", "c"] } });
  });

  it("apply a section before the keys in it", () => {
    const { settings } = read({
      REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/later",
      REGISTRY_STORAGE: "{filesystem: {rootdirectory: /first}, delete: {enabled: true}}",
    });
    expect(settings).toMatchObject({ storage: { rootDirectory: "/later" }, deleteEnabled: true });
  });

  it("leave alone what is not in upper case, and do not show its value", () => {
    const { settings, findings } = read({
      REGISTRY_password: "hunter2",
      REGISTRY_storage_delete_enabled: "true",
    });
    expect(settings).toMatchObject({ deleteEnabled: false });
    expect(findings.map(formatFinding)).toEqual([
      "environment variable REGISTRY_password: no such key; the variable is ignored",
      "environment variable REGISTRY_storage_delete_enabled: no such key; the variable is ignored",
    ]);
  });

  it("can replace the driver by a bare word", () => {
    expect(read({ REGISTRY_STORAGE: "inmemory" }).settings?.storage).toEqual({ driver: "inmemory" });
  });

  it("make two drivers of one, and name the variable", () => {
    expect(
      said({ REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/srv" }, "version: 0.1\nstorage: inmemory\n"),
    ).toEqual([
      "environment variable REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: " +
        "there must be one storage driver, not 2: inmemory, filesystem",
    ]);
  });

  it("change and append entries of a list, and fail beyond its end", () => {
    const endpoint = (env: Record<string, string>): unknown =>
      read(env).values.get("notifications.endpoints")?.value;
    expect(
      endpoint({
        REGISTRY_NOTIFICATIONS_ENDPOINTS_0_NAME: "one",
        REGISTRY_NOTIFICATIONS_ENDPOINTS_1_NAME: "two",
      }),
    ).toEqual([{ name: "one" }, { name: "two" }]);
    expect(said({ REGISTRY_NOTIFICATIONS_ENDPOINTS_1_NAME: "two" })[0]).toMatch(
      /0 entries, so that 1 is beyond/,
    );
    expect(said({ REGISTRY_NOTIFICATIONS_ENDPOINTS_X_NAME: "two" })[0]).toMatch(/"X" is no index/);
  });

  it.each([
    ["REGISTRY_STORAGE_S3_V2_BUCKET", "storage.s3_v2.bucket"],
    ["REGISTRY_STORAGE_AZURE_V2_MAX_RETRIES", "storage.azure_v2.max_retries"],
    ["REGISTRY_STORAGE_AZURE_RETRY_DELAY", "storage.azure.retry_delay"],
  ])("reach keys with _ in their name: %s", (variable, key) => {
    expect([...read({ [variable]: "7" }, "version: 0.1\nstorage: {}\n").values.keys()]).toContain(key);
  });

  it("reach rate_limiter", () => {
    expect(read({ REGISTRY_RATE_LIMITER_ENABLED: "true" }).values.get("rate_limiter.enabled")?.value).toBe(
      true,
    );
  });

  it("know the names that the Go registry has for some keys", () => {
    const { values } = read({ REGISTRY_HEALTH_FILECHECKERS_0_FILE: "/x" });
    expect(values.get("health.file")?.value).toEqual([{ file: "/x" }]);
  });

  it("create keys of a map in lower case, and find those that are there", () => {
    const headers = read({ "REGISTRY_HTTP_HEADERS_X-OLD": "[b]", "REGISTRY_HTTP_HEADERS_X-NEW": "[c]" });
    expect(headers.settings?.http.headers).toEqual({ "X-Old": ["b"], "x-new": ["c"] });
  });

  it("warn of what is not known and leave other variables alone", () => {
    expect(
      said({
        REGISTRY_CONFIGURATION_PATH: "/x",
        REGISTRY_FF_SOMETHING: "true",
        REGISTRY_CTL_STATE_DIR: "/state",
        REGISTRY_PORT: "tcp://10.0.0.1:5000",
        REGISTRY_LOG_LEVLE: "debug",
        REGISTRY_VERSION: "0.2",
        REGISTRY_HTTP_ADDR_FOO: "x",
        OTHER: "y",
      }),
    ).toEqual([
      "environment variable REGISTRY_HTTP_ADDR_FOO: it goes into a key that is a single value; the variable is ignored",
      "environment variable REGISTRY_LOG_LEVLE: no such key; the variable is ignored",
      "environment variable REGISTRY_PORT: no such key; the variable is ignored",
      "environment variable REGISTRY_VERSION: version cannot be overridden; the variable is ignored",
    ]);
  });

  it("take an empty value for nothing", () => {
    expect(read({ REGISTRY_HTTP_ADDR: "" }).settings?.http.addr).toBe("");
  });

  it("do not show a broken value, which may be a secret", () => {
    const [message] = said({ REGISTRY_HTTP_SECRET: "[hunter2" });
    expect(message).toMatch(/^environment variable REGISTRY_HTTP_SECRET: the YAML is broken/);
    expect(message).not.toContain("hunter2");
  });
});
