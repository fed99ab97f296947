import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { readConfig } from "../../../src/config/read-config.ts";
import { ConfigError } from "../../../src/errors.ts";
import { createAccessController } from "../../../src/server/auth/create-access-controller.ts";
import { silentLogger } from "../../support/silent-logger.ts";
import { TEST_CERTIFICATE } from "../../support/test-certificate.ts";

/*
 * No mistake in `auth` may open the registry: it stops the server, or somebody is asked for.
 */
let folder: string;

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), "registry-ctl-auth-"));
  await writeFile(join(folder, "bundle"), TEST_CERTIFICATE);
  await writeFile(join(folder, "empty"), "");
  await writeFile(join(folder, "plain"), "alice:hunter2\n");
});
afterAll(() => rm(folder, { recursive: true, force: true }));

type Outcome = "asks" | "stops" | "open";

function outcomeOf(auth: string, env: Record<string, string> = {}): Outcome {
  const text = `version: 0.1\nstorage: inmemory\n${auth.replaceAll("FOLDER", folder)}\n`;
  const { settings, findings } = readConfig(text, "c.yml", env);
  const isRefused = findings.some(({ kind }) => kind === "fatal" || kind === "refused");
  if (settings === undefined || isRefused) return "stops";
  try {
    return createAccessController(settings.auth, silentLogger) === undefined ? "open" : "asks";
  } catch (error) {
    if (error instanceof ConfigError) return "stops";
    throw error;
  }
}

const TOKEN = "realm: https://g/jwt/auth, service: s, issuer: i";

describe("auth", () => {
  it.each([
    "auth: token",
    "auth: {token: }",
    "auth: {token: {}}",
    `auth: {token: {${TOKEN}}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: ""}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/missing}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/empty}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER}}`,
    `auth: {token: {${TOKEN}, jwks: FOLDER/empty}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/bundle, signingalgorithms: [none]}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/bundle, signingalgorithms: [HS256]}}`,
    "auth: htpasswd",
    "auth: {silly: }",
    "auth: {htpasswd: {}}",
    "auth: {htpasswd: {realm: r}}",
    "auth: {htpasswd: {realm: r, path: FOLDER/missing}}",
    "auth: {htpasswd: {realm: r, path: FOLDER}}",
    "auth: [token]",
    "auth: {tokne: {realm: r}}",
    "auth: {TOKEN: {realm: r}}",
    "auth: {ldap: {url: ldap://x}}",
    "auth: true",
    "auth: off",
    "auth: {token: {realm: r}, htpasswd: {realm: r, path: p}}",
    "auth: {none: {}, token: {realm: r}}",
    "auth: {htpasswd: {realm: r, path: FOLDER/plain}, none: {}}",
    "Auth: {token: {realm: r}}",
  ])("does not open the registry by mistake: %s", (auth) => {
    // A key that nobody knows is only told of: whoever writes `Auth` reads that.
    expect(outcomeOf(auth)).toBe(auth.startsWith("Auth") ? "open" : "stops");
  });

  it.each([
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/bundle}}`,
    `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/bundle, unknown: 1}}`,
    "auth: {htpasswd: {realm: r, path: FOLDER/empty}}",
    "auth: {htpasswd: {realm: r, path: FOLDER/plain}}",
    "auth: {silly: {realm: r, service: s}}",
  ])("asks: %s", (auth) => expect(outcomeOf(auth)).toBe("asks"));

  it("is not opened by half a variable", () => {
    const auth = `auth: {token: {${TOKEN}, rootcertbundle: FOLDER/bundle}}`;
    expect(outcomeOf(auth, { REGISTRY_AUTH_TOKEN_ROOTCERTBUNDLE: "" })).toBe("stops");
    expect(outcomeOf(auth, { REGISTRY_AUTH_TOKEN_ISSUER: "" })).not.toBe("open");
    expect(outcomeOf(auth, { REGISTRY_AUTH_NONE: "{}" })).toBe("stops");
    expect(outcomeOf(auth, { REGISTRY_AUTH_HTPASSWD_REALM: "r" })).toBe("stops");
    expect(outcomeOf(auth, { REGISTRY_AUTH_TOKEN: "" })).toBe("stops");
    expect(outcomeOf(auth, { REGISTRY_AUTHH: "none" })).toBe("asks");
  });

  it("is none where that is what is written", () => {
    for (const auth of ["", "auth:", "auth: {}", "auth: none", "auth: {none: {}}"]) {
      expect(outcomeOf(auth), auth).toBe("open");
    }
  });
});
