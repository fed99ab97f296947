import { createPublicKey, type KeyObject } from "node:crypto";
import { mkdtempSync, renameSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import type { TokenAuthSettings } from "../../../../src/config/settings.ts";
import { ConfigError } from "../../../../src/errors.ts";
import type { Logger } from "../../../../src/lib/logger.ts";
import type { Access, Identity } from "../../../../src/server/auth/access.ts";
import { createAccessController } from "../../../../src/server/auth/create-access-controller.ts";
import { type TokenBearer, TokenController } from "../../../../src/server/auth/token-controller.ts";
import { type LoggedLine, recordingLogger } from "../../../support/recording-logger.ts";
import {
  type AccessClaim,
  certify,
  claimsOf,
  ISSUER,
  makeKey,
  makeRsaKey,
  SERVICE,
  signToken,
} from "../../../support/token-authority.ts";

const PULL: Access = { type: "repository", name: "group/project", action: "pull" };
const PUSH: Access = { type: "repository", name: "group/project", action: "push" };
const pullOnly: AccessClaim[] = [{ type: "repository", name: "group/project", actions: ["pull"] }];

let folder: string;
let bundle: string;
let key: KeyObject;
let logged: LoggedLine[];
let logger: Logger;

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), "registry-ctl-token-"));
  bundle = join(folder, "bundle.pem");
  key = makeKey();
  writeFileSync(bundle, (await certify({ key })).toString());
  logged = [];
  logger = recordingLogger(logged);
});
afterEach(() => {
  vi.useRealTimers();
  rmSync(folder, { recursive: true });
});

function logLines(): string[] {
  return logged.map(({ level, message, fields }) => `${level} ${message} ${JSON.stringify(fields)}`);
}

function settings(more: Partial<TokenAuthSettings> = {}): TokenAuthSettings {
  return {
    kind: "token",
    realm: "https://gitlab.example.com/jwt/auth",
    service: SERVICE,
    issuer: ISSUER,
    rootCertBundle: bundle,
    jwks: "",
    signingAlgorithms: [],
    autoRedirect: false,
    autoRedirectPath: "/auth/token",
    ...more,
  };
}

function controller(more: Partial<TokenAuthSettings> = {}, nowMs?: () => number): TokenController {
  return new TokenController(settings(more), logger, nowMs ? { nowMs } : {});
}

function bearer(authorization: string | undefined): TokenBearer {
  return {
    header: (name) => (name === "authorization" ? authorization : undefined),
    client: { headers: { host: "registry.example.com" }, encrypted: false },
    clientAddress: "127.0.0.1",
  };
}

async function challengeOf(ask: () => Identity | Promise<Identity>): Promise<string> {
  try {
    await ask();
  } catch (error) {
    expect(error).toMatchObject({ key: "UNAUTHORIZED" });
    return (error as { headers: Record<string, string> }).headers["WWW-Authenticate"] ?? "";
  }
  throw new Error("it was let in");
}

const REALM = 'Bearer realm="https://gitlab.example.com/jwt/auth",service="container_registry"';
const SCOPE = 'scope="repository:group/project:pull"';

describe("a token that is known", () => {
  it("is answered for at once, without a promise", async () => {
    const access = controller();
    const request = bearer(`Bearer ${await signToken(key, claimsOf(pullOnly))}`);
    const first = access.authorize(request, [PULL]);
    expect(first).toBeInstanceOf(Promise);
    expect(await first).toEqual({ user: "alice" });
    expect(access.authorize(request, [PULL])).toEqual({ user: "alice" });
    expect(() => access.authorize(request, [PULL, PUSH])).toThrow("authentication required");
  });

  it("is checked again when it has expired", async () => {
    const startMs = Date.now();
    let nowMs = startMs;
    const access = controller({}, () => nowMs);
    const request = bearer(`Bearer ${await signToken(key, claimsOf(pullOnly, {}, startMs))}`);
    expect(await access.authorize(request, [PULL])).toEqual({ user: "alice" });
    nowMs = startMs + 355_000;
    expect(access.authorize(request, [PULL])).toEqual({ user: "alice" });
    nowMs = startMs + 361_000;
    expect(await challengeOf(() => access.authorize(request, [PULL]))).toBe(
      `${REALM},${SCOPE},error="invalid_token"`,
    );
  });

  it("is forgotten when the keys change", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const access = controller();
    const request = bearer(`Bearer ${await signToken(key, claimsOf(pullOnly))}`);
    expect(await access.authorize(request, [PULL])).toEqual({ user: "alice" });
    writeFileSync(bundle, (await certify({ key: makeKey() })).toString());
    vi.advanceTimersByTime(2_000);
    expect(await challengeOf(() => access.authorize(request, [PULL]))).toMatch(/error="invalid_token"$/);
  });
});

describe("a change of keys", () => {
  it("goes without a restart, with both certificates in the bundle for a while", async () => {
    vi.useFakeTimers({ toFake: ["performance"] });
    const access = controller();
    const newKey = makeKey();
    const [old, next] = [await certify({ key }), await certify({ key: newKey })];
    const asks = async (by: KeyObject) => {
      const request = bearer(`Bearer ${await signToken(by, claimsOf(pullOnly))}`);
      return (async () => access.authorize(request, [PULL]))().then(
        () => true,
        () => false,
      );
    };
    const both = async () => [await asks(key), await asks(newKey)];
    const write = (...certificates: { toString(): string }[]) => {
      // As it is done by hand and by tools: written beside it and renamed.
      writeFileSync(`${bundle}.new`, certificates.join("\n"));
      renameSync(`${bundle}.new`, bundle);
      vi.advanceTimersByTime(2_000);
    };
    expect(await both()).toEqual([true, false]);
    write(old, next);
    expect(await both()).toEqual([true, true]);
    write(next);
    expect(await both()).toEqual([false, true]);
    writeFileSync(bundle, "-----BEGIN CERTIFICATE-----\nMII");
    vi.advanceTimersByTime(2_000);
    expect(await both()).toEqual([false, true]);
    expect(logLines().filter((line) => line.includes("what it held before stays in use"))).toHaveLength(1);
    expect(logLines().join("\n")).toContain("auth.token.rootcertbundle");
    rmSync(bundle);
    vi.advanceTimersByTime(2_000);
    expect(await both()).toEqual([false, true]);
    expect(logLines().at(-1)).toContain("refused a token");
    expect(logLines().join("\n")).toContain("there is no such file");
  });
});

it("takes the keys of a key set that was replaced", async () => {
  vi.useFakeTimers({ toFake: ["performance"] });
  const jwks = join(folder, "keys.json");
  const write = (of: KeyObject) =>
    writeFileSync(jwks, JSON.stringify({ keys: [createPublicKey(of).export({ format: "jwk" })] }));
  const newKey = makeKey();
  write(key);
  const access = controller({ rootCertBundle: "", jwks });
  const ask = async (by: KeyObject) =>
    access.authorize(bearer(`Bearer ${await signToken(by, claimsOf([]))}`), []);
  expect(await ask(key)).toEqual({ user: "alice" });
  await expect(ask(newKey)).rejects.toThrow("authentication required");
  write(newKey);
  vi.advanceTimersByTime(2_000);
  expect(await ask(newKey)).toEqual({ user: "alice" });
  await expect(ask(key)).rejects.toThrow("authentication required");
});

describe("a request without a token of ours", () => {
  it.each([
    undefined,
    "",
    "Bearer",
    "Bearer ",
    "Basic YWxpY2U6c2VjcmV0",
    "Bearer a b",
    "bearertoken",
    "Bearer  a",
  ])("is told where to get one, and of no error: %j", async (authorization) => {
    const challenge = await challengeOf(() => controller().authorize(bearer(authorization), [PULL]));
    expect(challenge).toBe(`${REALM},${SCOPE}`);
  });

  it("is told of no scope where none is needed", async () => {
    expect(await challengeOf(() => controller().authorize(bearer(undefined), []))).toBe(REALM);
  });

  it("may write Bearer as it likes", async () => {
    const token = await signToken(key, claimsOf([]));
    for (const word of ["Bearer", "bearer", "BEARER"]) {
      expect(await controller().authorize(bearer(`${word} ${token}`), [])).toEqual({ user: "alice" });
    }
  });
});

describe("a token that does not do", () => {
  it("is told apart from none", async () => {
    const challenge = await challengeOf(() => controller().authorize(bearer("Bearer a.b.c"), [PULL]));
    expect(challenge).toBe(`${REALM},${SCOPE},error="invalid_token"`);
  });

  it("is told which one would do, if it allows too little", async () => {
    const token = await signToken(key, claimsOf(pullOnly));
    const other: Access = { ...PULL, name: "other/one" };
    const challenge = await challengeOf(() =>
      controller().authorize(bearer(`Bearer ${token}`), [PULL, PUSH, other]),
    );
    expect(challenge).toBe(
      `${REALM},scope="repository:group/project:pull,push repository:other/one:pull",error="insufficient_scope"`,
    );
  });

  it("is logged with the reason, and without the token", async () => {
    const access = controller();
    const token = await signToken(makeKey(), claimsOf(pullOnly));
    await challengeOf(() => access.authorize(bearer(`Bearer ${token}`), [PULL]));
    const small = await signToken(key, claimsOf(pullOnly));
    await challengeOf(() => access.authorize(bearer(`Bearer ${small}`), [PUSH]));
    expect(logLines()).toEqual([
      expect.stringMatching(/^debug refused a token .*signed by a key that is not trusted/),
      expect.stringMatching(/^debug a token does not allow enough .*"user":"alice".*group\/project:push/),
    ]);
    for (const part of [...token.split("."), ...small.split(".")])
      expect(logLines().join("\n")).not.toContain(part);
  });
});

describe("autoredirect", () => {
  const realmFor = async (headers: Record<string, string>, more: Partial<TokenAuthSettings> = {}) => {
    const access = controller({ autoRedirect: true, ...more });
    const request = { ...bearer(undefined), client: { headers, encrypted: false } };
    return /realm="([^"]*)"/.exec(await challengeOf(() => access.authorize(request, [])))?.[1];
  };

  it.each([
    [{ host: "r.example:5000" }, "https://r.example:5000/auth/token"],
    [{ host: "r.example", "x-forwarded-proto": "http" }, "http://r.example/auth/token"],
    [{ host: "10.0.0.1", "x-forwarded-host": "r.example" }, "https://r.example/auth/token"],
    [{ host: "10.0.0.1", forwarded: "host=r.example;proto=http" }, "http://r.example/auth/token"],
    [{ host: 'a"b' }, "https://gitlab.example.com/jwt/auth"],
    [{}, "https://gitlab.example.com/jwt/auth"],
  ])("sends clients to the host that they know: %j", async (headers, realm) => {
    expect(await realmFor(headers)).toBe(realm);
  });

  it("takes another path", async () => {
    expect(await realmFor({ host: "r.example" }, { autoRedirectPath: "/jwt/auth" })).toBe(
      "https://r.example/jwt/auth",
    );
  });
});

describe("a configuration that cannot be used", () => {
  const failure = (more: Partial<TokenAuthSettings>): ConfigError => {
    try {
      createAccessController(settings(more), logger);
    } catch (error) {
      if (error instanceof ConfigError) return error;
      throw error;
    }
    throw new Error("it was taken");
  };
  const write = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content);
    return join(folder, name);
  };

  it("names key and file if the file is missing, and says what to do", () => {
    const error = failure({ rootCertBundle: join(folder, "none.pem") });
    expect(error.message).toBe(
      `auth.token.rootcertbundle: ${join(folder, "none.pem")} cannot be used: there is no such file`,
    );
    expect(error.hint).toContain("registry['internal_certificate']");
    expect(failure({ jwks: join(folder, "none.json") }).message).toContain("auth.token.jwks: ");
    expect(failure({ rootCertBundle: folder }).message).toContain("it is a folder");
  });

  it("has a bundle without a certificate, or with a damaged one", async () => {
    const empty = write("empty.pem", "");
    expect(failure({ rootCertBundle: empty }).message).toContain("the file is empty");
    const keyOnly = write("key.pem", key.export({ type: "pkcs8", format: "pem" }).toString());
    expect(failure({ rootCertBundle: keyOnly }).message).toContain("no block BEGIN CERTIFICATE");
    const good = (await certify({ key })).toString();
    const broken = write(
      "broken.pem",
      `${good}\n-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n`,
    );
    expect(failure({ rootCertBundle: broken }).message).toMatch(/block 2/);
  });

  it.each([
    ["", "it is not JSON"],
    ["[]", "no JSON Web Key Set"],
    ['{"keys":{}}', "no JSON Web Key Set"],
    ['{"keys":[]}', "no key in it can be used"],
    ['{"keys":[{"kty":"oct","k":"c2VjcmV0"}]}', "it is a secret"],
    ['{"keys":[{"kty":"EC","crv":"P-256","x":"AA","y":"AA"}]}', "it is damaged"],
    ['{"keys":[null,5]}', "it is no object"],
  ])("has a key set that is of no use: %s", (content, message) => {
    const error = failure({ rootCertBundle: "", jwks: write("keys.json", content) });
    expect(error.message).toContain(message);
    expect(error.message).not.toContain("c2VjcmV0");
  });

  it("has no key but one that is too short", () => {
    const jwk = { ...makeRsaKey(1024).export({ format: "jwk" }) };
    const file = write("keys.json", JSON.stringify({ keys: [jwk] }));
    expect(failure({ rootCertBundle: "", jwks: file }).message).toContain("1024 bits, fewer than 2048");
  });

  it("has neither bundle nor key set", () => {
    expect(failure({ rootCertBundle: "" }).message).toContain("neither rootcertbundle nor jwks");
  });

  it.each([["rs256"], ["none"], ["RSA"], [""], ["ES256K"]])("has the algorithm %j", (name) => {
    const error = failure({ signingAlgorithms: ["RS256", name] });
    expect(error.message).toContain(`there is no algorithm ${JSON.stringify(name)}`);
    expect(error.hint).toContain("RS256, RS384");
  });

  it("has nothing but HMAC, while some of it is passed over", () => {
    expect(failure({ signingAlgorithms: ["HS256", "HS512"] }).message).toContain("nothing but HMAC");
    controller({ signingAlgorithms: ["HS256", "ES256"] });
    expect(logLines()).toEqual([
      expect.stringContaining("warn auth.token.signingalgorithms: HMAC is not accepted"),
    ]);
  });
});

describe("what is odd in a file that can be used", () => {
  it("is warned of: expired certificates, other blocks, secrets in a key set", async () => {
    const old = await certify({ key, from: new Date(Date.now() - 9e6), to: new Date(Date.now() - 5e3) });
    writeFileSync(bundle, `${key.export({ type: "pkcs8", format: "pem" })}${old}`);
    const jwks = join(folder, "keys.json");
    const jwk = makeKey().export({ format: "jwk" });
    writeFileSync(jwks, JSON.stringify({ keys: [{ kty: "oct", k: "c2VjcmV0" }, jwk] }));
    controller({ jwks });
    expect(logLines()).toEqual([
      expect.stringContaining("the block PRIVATE KEY at line 1 is passed over"),
      expect.stringContaining("certificate 1 expired on"),
      expect.stringContaining("key 1 is passed over: it is a secret"),
    ]);
    expect(logLines().join("\n")).not.toContain("c2VjcmV0");
  });
});
