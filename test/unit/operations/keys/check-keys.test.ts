import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { decodeJwt, decodeProtectedHeader } from "jose";
import { afterEach, beforeEach, describe, expect, it } from "vitest";
import type { TokenAuthSettings } from "../../../../src/config/settings.ts";
import {
  type CheckKeysOptions,
  checkKeys,
  type KeysCheck,
  type TrustFiles,
} from "../../../../src/operations/keys/check-keys.ts";
import {
  OTHER_CERTIFICATE,
  OTHER_KEY,
  SIGNING_CERTIFICATE,
  SIGNING_FACTS,
  SIGNING_KEY,
} from "../../../support/signing-pair.ts";

const DAY_MS = 86_400_000;
const NOW_MS = Date.parse("2026-12-01T00:00:00Z");

let folder: string;

beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-check-"));
});
afterEach(() => rm(folder, { recursive: true, force: true }));

interface Given {
  key?: string;
  bundle?: string | undefined;
  auth?: Partial<TokenAuthSettings>;
  gitlab?: CheckKeysOptions["gitlab"];
  nowMs?: number;
  keyMode?: number;
  bundleMode?: number;
  verify?: (token: string, files: TrustFiles) => Promise<void>;
}

async function check(given: Given = {}): Promise<KeysCheck> {
  const keyFile = join(folder, "a.key");
  const rootCertBundle = join(folder, "a.crt");
  await writeFile(keyFile, given.key ?? SIGNING_KEY);
  await chmod(keyFile, given.keyMode ?? 0o600);
  const bundle = "bundle" in given ? given.bundle : SIGNING_CERTIFICATE;
  if (bundle !== undefined) {
    await writeFile(rootCertBundle, bundle);
    await chmod(rootCertBundle, given.bundleMode ?? 0o644);
  }
  const auth: TokenAuthSettings = {
    kind: "token",
    realm: "https://gitlab.example.com/jwt/auth",
    service: "container_registry",
    issuer: "omnibus-gitlab-issuer",
    rootCertBundle,
    jwks: "",
    signingAlgorithms: [],
    autoRedirect: false,
    autoRedirectPath: "/auth/token/",
    ...given.auth,
  };
  const verifyToken = given.verify ?? (() => Promise.resolve());
  return checkKeys({ nowMs: given.nowMs ?? NOW_MS, verifyToken }, { auth, keyFile, gitlab: given.gitlab });
}

describe("checkKeys", () => {
  it("has nothing to say against a pair like GitLab's", async () => {
    expect(await check()).toMatchObject({
      fits: true,
      problems: [],
      warnings: [],
      key: { algorithm: "RSA 2048", libtrustFingerprint: SIGNING_FACTS.libtrustFingerprint },
      bundle: { certificates: [{ ofKey: true, serial: "04D2" }] },
      issuer: "omnibus-gitlab-issuer",
      service: "container_registry",
    });
  });

  it("has a token checked that is like GitLab's, against the files that the registry has", async () => {
    let seen: { token: string; files: TrustFiles } | undefined;
    await check({
      verify: async (token, files) => {
        seen = { token, files };
      },
    });
    const { token = "", files } = seen ?? {};
    expect(decodeProtectedHeader(token)).toEqual({
      alg: "RS256",
      typ: "JWT",
      kid: SIGNING_FACTS.libtrustFingerprint,
    });
    const now = NOW_MS / 1000;
    expect(decodeJwt(token)).toEqual({
      iss: "omnibus-gitlab-issuer",
      aud: "container_registry",
      iat: now,
      nbf: now - 5,
      exp: now + 300,
      jti: expect.any(String),
      access: [{ type: "repository", name: "registry-ctl/keys-check", actions: ["pull"] }],
    });
    expect(files).toEqual({ bundle: Buffer.from(SIGNING_CERTIFICATE), jwks: undefined });
  });

  it("tells why a token is refused", async () => {
    const result = await check({ verify: () => Promise.reject(new Error("RS256 is not accepted")) });
    expect(result).toMatchObject({
      fits: false,
      problems: [expect.stringMatching(/is refused: RS256 is not accepted$/)],
    });
  });

  it("knows the key among several certificates", async () => {
    const { fits, bundle } = await check({ bundle: OTHER_CERTIFICATE + SIGNING_CERTIFICATE });
    expect(fits).toBe(true);
    expect(bundle?.certificates.map(({ ofKey }) => ofKey)).toEqual([false, true]);
  });

  it.each<[string, Given, RegExp]>([
    [
      "another key's certificate",
      { bundle: OTHER_CERTIFICATE },
      /has no certificate for .*a\.key: the key is N6ZJ:.*, the certificate is for JXOP:/,
    ],
    ["no bundle", { bundle: undefined }, /a\.crt cannot be read: there is no such file/],
    ["an empty bundle", { bundle: "" }, /a\.crt: the file is empty/],
    [
      "the key in the place of the bundle",
      { bundle: SIGNING_KEY },
      /a\.crt: no block BEGIN CERTIFICATE, but RSA PRIVATE KEY/,
    ],
    [
      "the certificate in the place of the key",
      { key: SIGNING_CERTIFICATE },
      /a\.key: no private key, but CERTIFICATE \(this is the half/,
    ],
    [
      "a key that GitLab does not sign with",
      { key: OTHER_KEY, bundle: OTHER_CERTIFICATE },
      /a\.key is a key of type ec: GitLab signs with RSA/,
    ],
    [
      "a key with backslashes",
      { key: SIGNING_KEY.replaceAll("\n", "\\n") },
      /a\.key: line 1: block 1 holds \\n as two characters/,
    ],
    ["neither bundle nor key set", { auth: { rootCertBundle: "" } }, /neither rootcertbundle nor jwks/],
    ["a key set that is not there", { auth: { jwks: "/nowhere/jwks" } }, /\/nowhere\/jwks cannot be read/],
    [
      "another issuer in GitLab",
      { gitlab: { enabled: true, issuer: "gitlab-issuer", keyFile: "/k" } },
      /GitLab signs as issuer "gitlab-issuer", and the registry accepts "omnibus-gitlab-issuer" only/,
    ],
    [
      "a registry that is off in GitLab",
      { gitlab: { enabled: false, issuer: "omnibus-gitlab-issuer", keyFile: "/k" } },
      /switched off/,
    ],
  ])("does not take %s for fitting", async (_what, given, problem) => {
    const { fits, problems } = await check(given);
    expect(fits).toBe(false);
    expect(problems).toEqual([expect.stringMatching(problem)]);
  });

  it.each<[string, Given, RegExp]>([
    [
      "an end that is near",
      { nowMs: Date.parse(SIGNING_FACTS.validTo) - 3 * DAY_MS },
      /certificate 1 expires in 3 days/,
    ],
    [
      "an end that has come",
      { nowMs: Date.parse(SIGNING_FACTS.validTo) + 3 * DAY_MS },
      /certificate 1 expired 3 days ago: GitLab's tokens are accepted/,
    ],
    [
      "a beginning to come",
      { nowMs: Date.parse("2026-11-01") },
      /certificate 1 is not valid before 2026-11-21/,
    ],
    [
      "line ends of Windows in a key",
      { key: SIGNING_KEY.replaceAll("\n", "\r\n") },
      /a\.key has line ends of Windows/,
    ],
    [
      "line ends of Windows in a bundle",
      { bundle: SIGNING_CERTIFICATE.replaceAll("\n", "\r\n") },
      /a\.crt has line ends of Windows/,
    ],
    [
      "no line end at the end",
      { bundle: SIGNING_CERTIFICATE.trimEnd() },
      /a\.crt has no line end at its end/,
    ],
    [
      "a private key in the bundle",
      { bundle: SIGNING_CERTIFICATE + OTHER_KEY },
      /a\.crt: line 21 is a private key: the registry needs none/,
    ],
    [
      "a certificate with the key",
      { key: SIGNING_CERTIFICATE + SIGNING_KEY },
      /a\.key holds more than the key: CERTIFICATE/,
    ],
    ["another service", { auth: { service: "registry" } }, /GitLab gives tokens for container_registry only/],
    [
      "a realm that is not GitLab's",
      { auth: { realm: "http://gitlab.example.com/jwt/auth" } },
      /auth\.token\.realm is "http:/,
    ],
    [
      "another file in GitLab",
      { gitlab: { enabled: true, issuer: "omnibus-gitlab-issuer", keyFile: "/other.key" } },
      /GitLab signs with another file: \/other\.key/,
    ],
  ])("warns of %s", async (_what, given, warning) => {
    const { fits, warnings, problems } = await check(given);
    expect(problems).toEqual([]);
    expect(fits).toBe(true);
    expect(warnings).toEqual([expect.stringMatching(warning)]);
  });

  it("warns of files that others may read or write", async () => {
    await chmod(folder, 0o755);
    const { warnings } = await check({ keyMode: 0o644, bundleMode: 0o666 });
    expect(warnings).toEqual([
      expect.stringContaining(`may read ${join(folder, "a.key")}`),
      expect.stringContaining(`may write ${join(folder, "a.crt")}`),
    ]);
  });

  it("never lets the key out", async () => {
    const secret = SIGNING_KEY.split("\n")[5] ?? "";
    expect(secret).toHaveLength(64);
    for (const given of [{}, { bundle: SIGNING_KEY }, { key: SIGNING_KEY.replace("END RSA", "END") }]) {
      expect(JSON.stringify(await check(given))).not.toContain(secret);
    }
  });

  it("leaves a file that cannot be read to whoever asked", async () => {
    await expect(check({ auth: { rootCertBundle: folder } })).rejects.toThrow("it is no file");
  });
});
