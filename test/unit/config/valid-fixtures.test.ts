import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/read-config.ts";

const folder = join(import.meta.dirname, "../../../fixtures/config");
const files = ["distribution", "gitlab"].flatMap((dialect) =>
  readdirSync(join(folder, dialect)).map((name) => `${dialect}/${name}`),
);

function read(file: string): ReturnType<typeof readConfig> {
  return readConfig(readFileSync(join(folder, file), "utf8"), file, {});
}

describe("valid configurations", () => {
  it.each(files)("finds nothing wrong with %s", (file) => {
    const kinds = ["fatal", "problem", "warning"];
    expect(read(file).findings.filter((finding) => kinds.includes(finding.kind))).toEqual([]);
  });

  it.each(files.filter((file) => /\/s3/.test(file)))("implements everything of %s", (file) => {
    const config = read(file);
    expect(config.findings).toEqual([]);
    expect(config.settings?.storage).toMatchObject({ bucket: "registry" });
  });

  it.each(files.filter((file) => /\/(azure|gcs)/.test(file)))(
    "says that the driver of %s is missing",
    (file) => {
      const config = read(file);
      const driver = /\/(\w+)\.yml/.exec(file)?.[1] ?? "";
      expect(config.findings.map(({ kind, key }) => [kind, key])).toEqual([["refused", `storage.${driver}`]]);
      expect(config.settings).toBeUndefined();
    },
  );

  it("gives what Distribution's full file says as settings", () => {
    expect(read("distribution/kitchen-sink.yml").settings).toEqual({
      log: {
        level: "debug",
        formatter: "text",
        fields: { service: "registry", environment: "staging", port: 5000 },
        accessLogDisabled: true,
      },
      storage: { driver: "filesystem", rootDirectory: "/var/lib/registry", maxThreads: 100 },
      deleteEnabled: false,
      readOnly: false,
      redirect: { enabled: true, expiryMs: 1_200_000 },
      uploadPurging: { enabled: true, ageMs: 604_800_000, intervalMs: 86_400_000, dryRun: false },
      catalogMaxEntries: 500,
      tagsMaxTags: 250,
      http: {
        addr: "localhost:5000",
        net: "tcp",
        prefix: "/my/nested/registry/",
        host: "https://myregistryaddress.org:5000",
        secret: "asecretforlocaldevelopment",
        relativeUrls: false,
        drainTimeoutMs: 60_000,
        headers: { "X-Content-Type-Options": ["nosniff"] },
        tls: {
          certificate: "/path/to/x509/public",
          key: "/path/to/x509/private",
          minimumTls: "TLSv1.3",
          clientCas: ["/path/to/ca.pem", "/path/to/another/ca.pem"],
          clientAuth: "require-and-verify-client-cert",
          cipherSuites: ["TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256"],
          letsEncrypt: undefined,
        },
        http2: true,
        h2c: false,
      },
      auth: { kind: "htpasswd", realm: "basic-realm", path: "/path/to/htpasswd" },
      gc: { reviewAfterMs: 86_400_000, continuous: undefined },
    });
  });

  it("names every key of the full files that serve refuses", () => {
    const refused = (file: string): string[] =>
      read(file)
        .findings.filter(({ kind }) => kind === "refused")
        .map(({ key }) => key);
    expect(refused("gitlab/kitchen-sink.yml")).toEqual([
      "database.enabled",
      "middleware.storage",
      "validation.manifests.referencelimit",
      "validation.manifests.payloadsizelimit",
    ]);
    expect(refused("distribution/kitchen-sink.yml")).toContain("proxy");
  });
});
