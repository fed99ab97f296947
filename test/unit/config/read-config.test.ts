import { describe, expect, it } from "vitest";
import { formatFinding } from "../../../src/config/finding.ts";
import { readConfig, usesMetadataDatabase } from "../../../src/config/read-config.ts";

function messages(text: string, env: Record<string, string> = {}): string[] {
  return readConfig(text, "c.yml", env).findings.map(
    (finding) => `${finding.kind} ${formatFinding(finding)}`,
  );
}

const MINIMAL = "version: 0.1\nstorage: inmemory\n";

describe("readConfig", () => {
  it("takes the booleans of YAML 1.1 and strings in driver options", () => {
    const text = `version: "0.1"
storage:
  filesystem: {"rootdirectory": "/srv", "maxthreads": "50"}
  delete: {enabled: On}
  maintenance: {readonly: {enabled: yes}}
`;
    const { settings, findings } = readConfig(text, "c.yml", {});
    expect(findings).toEqual([]);
    expect(settings).toMatchObject({
      storage: { driver: "filesystem", rootDirectory: "/srv", maxThreads: 50 },
      deleteEnabled: true,
      readOnly: true,
    });
  });

  it("keeps deletes off where true stands in quotes, as the Go registry does", () => {
    const { settings } = readConfig(
      `version: 0.1\nstorage: {inmemory: , delete: {enabled: "true"}}\n`,
      "c.yml",
      {},
    );
    expect(settings?.deleteEnabled).toBe(false);
  });

  it.each([
    ["auth: none"],
    ["auth: {}"],
    ["auth:"],
    ["middleware: {}"],
    ["middleware: {storage: [{name: cloudfront, disabled: true, options: {}}]}"],
    ["middleware: {storage: []}"],
    ["proxy: {}"],
    ["proxy: {remoteurl: ''}"],
    ["validation: {disabled: true, manifests: {urls: {allow: ['^https://']}}}"],
    ["validation: {manifests: {urls: {allow: [], deny: []}}}"],
    ["validation: {manifests: {indexes: {platforms: all}}}"],
    ["database: {enabled: 'false', host: x, port: 5432}"],
    ["database: {enabled: false}"],
    ["http: {tls: {clientcas: [a.pem]}}"],
    ["http: {tls: {certificate: a, key: b, clientcas: []}}"],
    ["http: {http2: {disabled: true}, h2c: {enabled: false}}"],
    ["health: {storagedriver: {enabled: false, interval: 10s, threshold: 3}}"],
    ["reporting: {sentry: {enabled: false, dsn: x}}"],
    ["gc: {disabled: true}"],
  ])("has nothing to say about what does nothing: %s", (line) => {
    expect(messages(`${MINIMAL}${line}\n`)).toEqual([]);
  });

  it.each([
    ["validation: {manifests: {urls: {deny: [a]}}}", "validation.manifests.urls.deny"],
    ["middleware: {storage: [{name: redirect, options: {baseurl: a}}]}", "middleware.storage"],
    ["proxy: {remoteurl: https://example.com}", "proxy"],
    ["database: {enabled: true}", "database.enabled"],
    ["database: {enabled: 'true'}", "database.enabled"],
    ["database: {enabled: prefer}", "database.enabled"],
  ])("refuses what must be honoured: %s", (line, key) => {
    const { findings } = readConfig(`${MINIMAL}${line}\n`, "c.yml", {});
    expect(findings.filter(({ kind }) => kind === "refused").map((finding) => finding.key)).toEqual([key]);
  });

  it.each([
    ["auth: {token: {realm: a, service: b, issuer: c}}", ["auth.token.rootcertbundle"]],
    [
      "auth: {token: {realm: a, service: b, issuer: c, rootcertbundle: '', jwks: }}",
      ["auth.token.rootcertbundle"],
    ],
    ["auth: {token: {realm: '', service: b, rootcertbundle: d}}", ["auth.token.issuer", "auth.token.realm"]],
    [
      "auth: {token: }",
      ["auth.token.issuer", "auth.token.realm", "auth.token.rootcertbundle", "auth.token.service"],
    ],
    ["auth: token", ["auth.token.issuer", "auth.token.realm", "auth.token.service"]],
    ["auth: {silly: {realm: a}}", ["auth.silly.service"]],
    ["auth: silly", ["auth.silly.realm", "auth.silly.service"]],
    ["auth: {htpasswd: {path: b}}", ["auth.htpasswd.realm"]],
    ["auth: {htpasswd: }", ["auth.htpasswd.path", "auth.htpasswd.realm"]],
    ["auth: ldap", ["auth.ldap"]],
    ["auth: {Token: {realm: a, service: b, issuer: c, rootcertbundle: d}}", ["auth.Token"]],
    ["auth: {tokens: {realm: a, service: b, issuer: c, rootcertbundle: d}}", ["auth.tokens"]],
    ["auth: [token]", ["auth"]],
    ["auth: {token: [a]}", ["auth.token", "auth.token.rootcertbundle"]],
    ["auth: {none: {}, token: {realm: a, service: b, issuer: c, rootcertbundle: d}}", ["auth"]],
    [
      "auth: {token: {realm: a, service: b, issuer: c, jwks: d, signingalgorithms: [RS256, none]}}",
      ["auth.token.signingalgorithms.1"],
    ],
  ])("never guesses who may come in: %s", (line, keys) => {
    const { findings, settings } = readConfig(`${MINIMAL}${line}\n`, "c.yml", {});
    expect(settings).toBeUndefined();
    expect(
      findings
        .filter(({ kind }) => kind === "fatal")
        .map((finding) => finding.key)
        .sort(),
    ).toEqual(keys);
  });

  it("takes over what auth.token says", () => {
    const line =
      "auth: {token: {realm: a, service: b, issuer: c, jwks: d, autoredirect: 'true', autoredirectpath: /e, signingalgorithms: [RS256, ES256]}}";
    const { findings, settings } = readConfig(`${MINIMAL}${line}\n`, "c.yml", {});
    expect(findings).toEqual([]);
    expect(settings?.auth).toEqual({
      kind: "token",
      realm: "a",
      service: "b",
      issuer: "c",
      rootCertBundle: "",
      jwks: "d",
      autoRedirect: true,
      autoRedirectPath: "/e",
      signingAlgorithms: ["RS256", "ES256"],
    });
  });

  it("tells that the metadata database is in use", () => {
    const uses = (value: string): boolean =>
      usesMetadataDatabase(readConfig(`${MINIMAL}database: {enabled: ${value}}\n`, "c.yml", {}));
    expect([uses("true"), uses("'true'"), uses("prefer"), uses("false"), uses("'false'")]).toEqual([
      true,
      true,
      true,
      false,
      false,
    ]);
  });

  it("says where a key that does not exist stands and what was meant", () => {
    expect(messages(`${MINIMAL}http:\n  adr: x\n`)).toEqual([
      "problem c.yml:4:3: there is no key http.adr; did you mean http.addr?",
    ]);
  });

  it("never lets a drain of nanoseconds become a drain without end", () => {
    const { settings } = readConfig(`${MINIMAL}http: {draintimeout: 60}\n`, "c.yml", {});
    expect(settings?.http.drainTimeoutMs).toBe(1);
  });

  it("never lets a very long drain become one that is over at once", () => {
    const { settings } = readConfig(`${MINIMAL}http: {draintimeout: 1000h}\n`, "c.yml", {});
    expect(settings?.http.drainTimeoutMs).toBe(20 * 24 * 3_600_000);
  });

  it("quotes nothing of a broken file, where it may be a secret", () => {
    for (const broken of [
      'http: {secret: "a"hunter2}\n',
      "http:\n  secret: 'a' hunter2\n",
      "http: @hunter2\n",
      'http: "\\hunter2"\n',
    ]) {
      const [message] = messages(MINIMAL + broken);
      expect(message).toMatch(/^fatal c\.yml:\d+:\d+: the YAML is broken/);
      expect(message).not.toContain("hunter2");
    }
  });

  it("follows anchors, aliases and merge keys", () => {
    const text = `version: 0.1\nstorage: &s {inmemory: , delete: &on {enabled: true}}\nhealth: {storagedriver: {<<: *on, interval: 5s}}\n`;
    const config = readConfig(text, "c.yml", {});
    expect(config.settings?.deleteEnabled).toBe(true);
    expect(config.values.get("health.storagedriver.enabled")?.value).toBe(true);
  });

  // Found by starting Debian's docker-registry with each of them.
  it.each([
    ["storage: {inmemory: , cache: {blobdescriptorsize: -1}}"],
    ["storage: {inmemory: , delete: }"],
    ["storage: {inmemory: {foo: bar}}"],
    ["storage: {filesystem: {rootdirectory: 5}}"],
    ["storage: {filesystem: {rootdirectory: /x, maxthreads: -3}}"],
    ["storage: inmemory\nhttp: {addr: ':0', secret: 12345}"],
    ["storage: inmemory\nhttp: {addr: ':0', host: foo}"],
    ["storage: inmemory\nhttp: {addr: ':0', net: ''}"],
    ["storage: inmemory\nhttp: {addr: ':0', draintimeout: -5s}"],
    ["storage: inmemory\nhttp: {addr: ':0', draintimeout: 1.5}"],
    ["storage: inmemory\nnotifications: {endpoints: }"],
    ["storage: inmemory\nlog: {level: }"],
    ["storage: inmemory\nlog: {formatter: ''}"],
    ["storage: inmemory\nlog: {level: DEBUG, level: info}"],
    ["storage: inmemory\ncatalog: {maxentries: 1.5}"],
    ["storage: inmemory\ncompatibility: {schema1: {enabled: true}}"],
    ["storage: inmemory\n5: x"],
  ])("starts with what the Go registry starts with: %j", (more) => {
    expect(readConfig(`version: 0.1\n${more}\n`, "c.yml", {}).settings).toBeDefined();
  });

  it("combines a section that stands there twice as the Go registry does, and says so", () => {
    const text = `version: 0.1
storage: {inmemory: , delete: {enabled: true}, delete: {}}
http: {addr: ":5000", headers: {X-A: [a]}, tls: {certificate: a}}
http: {secret: s, headers: {X-B: [b]}, tls: {key: k}}
`;
    const { settings } = readConfig(text, "c.yml", {});
    expect(settings?.deleteEnabled).toBe(false);
    expect(settings?.http).toMatchObject({ addr: ":5000", secret: "s", tls: { certificate: "a", key: "k" } });
    expect(settings?.http.headers).toEqual({ "X-B": ["b"] });
    expect(messages(text)).toEqual([
      "problem c.yml:2:48: storage.delete stands here a second time",
      "problem c.yml:4:1: http stands here a second time",
    ]);
    expect(messages("version: 0.1\nstorage: inmemory\nstorage: {delete: {enabled: true}}\n")).toContainEqual(
      expect.stringMatching(/^fatal c\.yml:3:1: no storage driver is given/),
    );
  });

  it("takes log.level before the old loglevel, and that before the default", () => {
    const level = (more: string): string | undefined =>
      readConfig(MINIMAL + more, "c", {}).settings?.log.level;
    expect([level("loglevel: WARN\n"), level("loglevel: warn\nlog: {level: error}\n"), level("")]).toEqual([
      "warn",
      "error",
      "info",
    ]);
  });
});
