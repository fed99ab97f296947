import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  type X509Certificate,
} from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it } from "vitest";
import { jwkThumbprint } from "../../../../src/lib/key-fingerprints.ts";
import type { VerifiedToken } from "../../../../src/server/auth/token-verifier.ts";
import { parseTrustedKeySet } from "../../../../src/server/auth/trusted-key-set.ts";
import { TrustedKeys } from "../../../../src/server/auth/trusted-keys.ts";
import {
  certify,
  claimsOf,
  ISSUER,
  kidOf,
  makeKey,
  makeRsaKey,
  SERVICE,
  signToken,
} from "../../../support/token-authority.ts";
import {
  encodePart,
  expectRefused,
  nowMs,
  pullClaims,
  trust,
  verify as verifyWith,
} from "../../../support/verified-tokens.ts";

const now = Math.floor(nowMs / 1000);

let key: KeyObject;
let rsaKey: KeyObject;
let foreignKey: KeyObject;
let certificate: X509Certificate;
let trusted: TrustedKeys;

beforeAll(async () => {
  key = makeKey();
  rsaKey = makeRsaKey();
  foreignKey = makeKey();
  certificate = await certify({ key });
  trusted = trust([certificate], [rsaKey]);
});

const verify = (token: string, keys = trusted, algorithms?: readonly string[]) =>
  verifyWith(token, keys, algorithms);
const isRefused = (token: string, reason: string | RegExp, keys = trusted, algorithms?: readonly string[]) =>
  expectRefused(token, reason, keys, algorithms);
const may = (verified: VerifiedToken, action: "pull" | "push", name = "group/project") =>
  verified.access.allows({ type: "repository", name, action });

/** A token with a right signature, whatever is in it. */
function sealed(header: Record<string, unknown>, body: string): string {
  const content = `${encodePart({ alg: "ES256", kid: kidOf(key), ...header })}.${body}`;
  const signature = sign("sha256", Buffer.from(content), { key, dsaEncoding: "ieee-p1363" });
  return `${content}.${signature.toString("base64url")}`;
}

describe("who signed a token", () => {
  it("is found by libtrust's fingerprint, as GitLab names its key", async () => {
    const verified = await verify(await signToken(key, pullClaims()));
    expect([verified.user, may(verified, "pull"), may(verified, "push")]).toEqual(["alice", true, false]);
  });

  it("is found by the thumbprint of RFC 7638", async () => {
    const kid = await jwkThumbprint(createPublicKey(key));
    expect((await verify(await signToken(key, pullClaims(), { kid }))).user).toBe("alice");
  });

  it("is found by the name that a key set gives", async () => {
    const jwk = { ...createPublicKey(key).export({ format: "jwk" }), kid: "2026-11" };
    const { keys } = parseTrustedKeySet(Buffer.from(JSON.stringify({ keys: [jwk] })));
    const token = await signToken(key, pullClaims(), { kid: "2026-11" });
    expect((await verify(token, new TrustedKeys([{ anchors: [], keys }]))).user).toBe("alice");
    await isRefused(token, 'it is signed by a key that is not trusted: "2026-11"');
  });

  it("is not taken for one whose name it borrows", async () => {
    await isRefused(await signToken(foreignKey, pullClaims(), { kid: kidOf(key) }), "its signature is wrong");
  });

  it("must be known", async () => {
    await isRefused(
      await signToken(foreignKey, pullClaims()),
      /^it is signed by a key that is not trusted: "\w{4}:/,
    );
  });

  it("must be named, even where there is one key only", async () => {
    const token = await signToken(key, pullClaims(), { kid: "" });
    await isRefused(token, "it names no key: there is neither x5c nor jwk nor kid", trust([certificate]));
  });

  it.each([
    ["kid", 5],
    ["kid", { a: 1 }],
    ["x5c", "abc"],
    ["jwk", "abc"],
  ])("cannot be named by a %s that is %j", async (name, value) => {
    const header = { alg: "ES256", [name]: value };
    await isRefused(`${encodePart(header)}.${encodePart(pullClaims())}.AAAA`, new RegExp(`^${name} is no `));
  });

  it("may bring its key in jwk if it is one of ours, whatever that calls itself", async () => {
    const jwk = createPublicKey(key).export({ format: "jwk" });
    expect((await verify(await signToken(key, pullClaims(), { jwk }))).user).toBe("alice");
    const foreign = { ...createPublicKey(foreignKey).export({ format: "jwk" }), kid: kidOf(key) };
    await isRefused(
      await signToken(foreignKey, pullClaims(), { jwk: foreign }),
      "jwk is a key that is not trusted",
    );
  });

  it.each([{ kty: "oct", k: "AAAA" }, { kty: "EC", crv: "P-256", x: "AA", y: "AA" }, {}])(
    "cannot bring %j for a key",
    async (jwk) => {
      const token = `${encodePart({ alg: "ES256", jwk })}.${encodePart(pullClaims())}.AAAA`;
      await isRefused(token, "jwk holds no public key that can be read");
    },
  );
});

describe("the algorithm of a token", () => {
  it.each(["RS256", "RS512", "PS256", "PS384"])("may be %s with an RSA key", async (alg) => {
    expect((await verify(await signToken(rsaKey, pullClaims(), { alg }))).user).toBe("alice");
  });

  it.each(["EdDSA", "Ed25519"])("may be %s with an Edwards key", async (alg) => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const keys = trust([], [privateKey]);
    expect((await verify(await signToken(privateKey, pullClaims(), { alg }), keys)).user).toBe("alice");
  });

  it.each([
    ["P-384", "ES384"],
    ["P-521", "ES512"],
  ])("is bound to the curve %s", async (namedCurve, alg) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve });
    const token = await signToken(privateKey, pullClaims(), { alg });
    expect((await verify(token, trust([], [privateKey]))).user).toBe("alice");
    const [, body, signature] = token.split(".");
    const lying = [encodePart({ alg: "ES256", kid: kidOf(privateKey) }), body, signature].join(".");
    await isRefused(lying, "its key is not for the algorithm that it names", trust([], [privateKey]));
  });

  it("is not HMAC with the public key for a secret", async () => {
    const publicKey = createPublicKey(rsaKey);
    const secrets = [
      publicKey.export({ type: "spki", format: "pem" }),
      publicKey.export({ type: "pkcs1", format: "pem" }),
      publicKey.export({ type: "spki", format: "der" }),
    ];
    for (const secret of secrets) {
      for (const [alg, hash] of [
        ["HS256", "sha256"],
        ["HS512", "sha512"],
      ] as const) {
        const content = `${encodePart({ alg, typ: "JWT", kid: kidOf(rsaKey) })}.${encodePart(pullClaims())}`;
        const token = `${content}.${createHmac(hash, secret).update(content).digest("base64url")}`;
        await isRefused(token, "it is signed by an algorithm that is not accepted");
        // Even if somebody were to let it through.
        await isRefused(token, "its key is not for the algorithm that it names", trusted, [alg]);
      }
    }
  });

  it.each(["none", "None", "NONE", "nOnE", ""])("is not %j", async (alg) => {
    const [, body, signature] = (await signToken(key, pullClaims())).split(".");
    const header = encodePart({ alg, kid: kidOf(key) });
    await isRefused(`${header}.${body}.`, /^it is (signed by an algorithm that is not accepted|malformed)/);
    await isRefused(`${header}.${body}.${signature}`, /^it is (signed|malformed)/);
  });

  it("is one of those that are configured", async () => {
    const token = await signToken(rsaKey, pullClaims(), { alg: "RS256" });
    await isRefused(token, "it is signed by an algorithm that is not accepted", trusted, ["RS512"]);
    expect((await verify(token, trusted, ["RS256"])).user).toBe("alice");
  });

  it("is the one that a key set names for the key", async () => {
    const jwk = { ...createPublicKey(rsaKey).export({ format: "jwk" }), alg: "RS512" };
    const { keys } = parseTrustedKeySet(Buffer.from(JSON.stringify({ keys: [jwk] })));
    const token = await signToken(rsaKey, pullClaims(), { alg: "RS256" });
    await isRefused(
      token,
      "its key is not for the algorithm that it names",
      new TrustedKeys([{ anchors: [], keys }]),
    );
  });
});

describe("for whom and when a token is", () => {
  const withClaims = async (more: Record<string, unknown>) => signToken(key, pullClaims(more));

  it("is for us, alone or among others", async () => {
    expect((await verify(await withClaims({ aud: [SERVICE, "other"] }))).user).toBe("alice");
  });

  it.each([["other"], [["other"]], [[]], [null], [5], [[5]], [""], [{}], [undefined]])(
    "is not for %j",
    async (aud) =>
      isRefused(
        await withClaims({ aud }),
        `claim aud is ${JSON.stringify(aud) ?? "missing"}, not "${SERVICE}"`,
      ),
  );

  it.each([["other"], [""], [null], [5], [[ISSUER]], [undefined]])("does not come from %j", async (iss) =>
    isRefused(await withClaims({ iss }), `claim iss is ${JSON.stringify(iss) ?? "missing"}, not "${ISSUER}"`),
  );

  it("says no more of a claim than fits into a line of the log", async () => {
    await expect(verify(await withClaims({ iss: "a".repeat(5_000) }))).rejects.toThrow(/^.{120,160}$/);
  });

  it("counts for a minute after its end, for the sake of clocks that differ", async () => {
    const { validUntilMs } = await verify(await withClaims({ exp: now - 59 }));
    expect(validUntilMs).toBe((now + 1) * 1000);
    await isRefused(await withClaims({ exp: now - 61 }), /^it expired 6[12] s ago$/);
    await isRefused(await withClaims({ exp: now - 86_400 }), /^it expired 8640[01] s ago$/);
  });

  it("counts from a minute before its beginning on", async () => {
    const { validFromMs } = await verify(await withClaims({ nbf: now + 59 }));
    expect(validFromMs).toBe((now - 1) * 1000);
    await isRefused(await withClaims({ nbf: now + 62 }), /^claim nbf: /);
  });

  it.each([[undefined], [null], ["2100-01-01"], ["99999999999"], [{}], [0], [-1], [true]])(
    "must end, and not at %j",
    async (exp) => isRefused(await withClaims({ exp }), /^(claim exp: |it expired )/),
  );

  it("need not have a beginning", async () => {
    expect((await verify(await withClaims({ nbf: undefined }))).user).toBe("alice");
  });
});

describe("a token that is damaged or forged", () => {
  it("is refused if a bit of it differs", async () => {
    const [header, body, signature] = (await signToken(key, pullClaims())).split(".");
    const other = encodePart(claimsOf([{ type: "repository", name: "group/project", actions: ["*"] }]));
    await isRefused(`${header}.${other}.${signature}`, "its signature is wrong");
    await isRefused(`${header}.${body}.`, /wrong|malformed/);
    await isRefused(`${header}.${body}.${Buffer.alloc(64).toString("base64url")}`, "its signature is wrong");
  });

  it.each([
    "a",
    "a.b",
    "a.b.c",
    "..",
    "a.b.c.d",
    "e30.e30.e30",
    `${"a".repeat(30_000)}.b.c`,
    "ß.ü.ö",
    "[].[].[]",
  ])("is refused if it is none: %.20s", async (token) => isRefused(token, /^it is (malformed|signed)/));

  it.each(["[]", "null", '"a"', "5", "{", "", '{"alg":"ES256"', "\u0000", `${"[".repeat(10_000)}`])(
    "is refused if its claims are %.20j",
    async (text) => {
      await isRefused(sealed({}, Buffer.from(text).toString("base64url")), /^it is malformed/);
    },
  );

  it.each([
    { crit: ["exp"], exp: 1 },
    { crit: ["http://example.com/x"], "http://example.com/x": true },
    { crit: ["b64"], b64: false },
    { crit: [] },
    { crit: "b64" },
  ])("is refused if it demands what we do not understand: %j", async (header) => {
    await isRefused(sealed(header, encodePart(pullClaims())), /^it is malformed/);
  });
});

describe("whatever a token says", () => {
  const anyHeader = fc.dictionary(fc.constantFrom("kid", "jwk", "x5c", "crit", "typ", "zip"), fc.jsonValue());
  const anyClaims = fc.record(
    {
      access: fc.oneof(
        fc.jsonValue(),
        fc.array(
          fc.record(
            {
              type: fc.jsonValue(),
              name: fc.jsonValue(),
              actions: fc.oneof(fc.jsonValue(), fc.array(fc.jsonValue())),
            },
            { requiredKeys: [] },
          ),
        ),
      ),
      sub: fc.jsonValue(),
      exp: fc.jsonValue(),
      nbf: fc.jsonValue(),
      iat: fc.jsonValue(),
      aud: fc.jsonValue(),
    },
    { requiredKeys: [] },
  );

  it("is taken or refused, and nothing breaks", async () => {
    await fc.assert(
      fc.asyncProperty(anyHeader, anyClaims, async (header, more) => {
        const token = sealed(header, encodePart(pullClaims(more)));
        const name = await verify(token).then(
          () => "taken",
          (error: Error) => error.name,
        );
        expect(["taken", "TokenRefused"]).toContain(name);
      }),
      { numRuns: 300 },
    );
  });
});
