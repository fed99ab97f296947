import {
  createHmac,
  createPublicKey,
  generateKeyPairSync,
  type KeyObject,
  sign,
  X509Certificate,
} from "node:crypto";
import fc from "fast-check";
import { beforeAll, describe, expect, it, vi } from "vitest";
import { jwkThumbprint } from "../../../../src/lib/key-fingerprints.ts";
import { SIGNING_ALGORITHMS } from "../../../../src/server/auth/token-algorithms.ts";
import { verifyToken } from "../../../../src/server/auth/token-verifier.ts";
import { parseTrustedBundle } from "../../../../src/server/auth/trusted-bundle.ts";
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
  x5cOf,
} from "../../../support/token-authority.ts";

const nowMs = Date.now();
const now = Math.floor(nowMs / 1000);
const pull = [{ type: "repository", name: "group/project", actions: ["pull"] }];

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

/** Trusts certificates as a bundle and keys as a key set. */
function trust(certificates: readonly X509Certificate[], keys: readonly KeyObject[] = []): TrustedKeys {
  const bundle =
    certificates.length > 0 ? parseTrustedBundle(Buffer.from(certificates.join("\n"))) : undefined;
  const jwks = { keys: keys.map((each) => ({ ...createPublicKey(each).export({ format: "jwk" }) })) };
  const set = keys.length > 0 ? parseTrustedKeySet(Buffer.from(JSON.stringify(jwks))) : undefined;
  return new TrustedKeys(bundle?.anchors ?? [], [...(bundle?.keys ?? []), ...(set?.keys ?? [])]);
}

const expected = { issuer: ISSUER, service: SERVICE, algorithms: SIGNING_ALGORITHMS };
const verify = (token: string, keys = trusted, algorithms = SIGNING_ALGORITHMS) =>
  verifyToken(token, { ...expected, algorithms }, keys, nowMs);
const isRefused = (token: string, reason: string | RegExp, keys = trusted, algorithms = SIGNING_ALGORITHMS) =>
  expect(verify(token, keys, algorithms)).rejects.toMatchObject({
    name: "TokenRefused",
    message: typeof reason === "string" ? reason : expect.stringMatching(reason),
  });
const claims = (more: Record<string, unknown> = {}) => claimsOf(pull, more, nowMs);
const encode = (value: unknown) => Buffer.from(JSON.stringify(value)).toString("base64url");
const may = (verified: Awaited<ReturnType<typeof verify>>, action: "pull" | "push", name = "group/project") =>
  verified.access.allows({ type: "repository", name, action });

/** A token with a right signature, whatever is in it. */
function sealed(header: Record<string, unknown>, body: string): string {
  const content = `${encode({ alg: "ES256", kid: kidOf(key), ...header })}.${body}`;
  const signature = sign("sha256", Buffer.from(content), { key, dsaEncoding: "ieee-p1363" });
  return `${content}.${signature.toString("base64url")}`;
}

describe("who signed a token", () => {
  it("is found by libtrust's fingerprint, as GitLab names its key", async () => {
    const verified = await verify(await signToken(key, claims()));
    expect([verified.user, may(verified, "pull"), may(verified, "push")]).toEqual(["alice", true, false]);
  });

  it("is found by the thumbprint of RFC 7638", async () => {
    const kid = await jwkThumbprint(createPublicKey(key));
    expect((await verify(await signToken(key, claims(), { kid }))).user).toBe("alice");
  });

  it("is found by the name that a key set gives", async () => {
    const jwk = { ...createPublicKey(key).export({ format: "jwk" }), kid: "2026-11" };
    const { keys } = parseTrustedKeySet(Buffer.from(JSON.stringify({ keys: [jwk] })));
    const token = await signToken(key, claims(), { kid: "2026-11" });
    expect((await verify(token, new TrustedKeys([], keys))).user).toBe("alice");
    await isRefused(token, 'it is signed by a key that is not trusted: "2026-11"');
  });

  it("is not taken for one whose name it borrows", async () => {
    await isRefused(await signToken(foreignKey, claims(), { kid: kidOf(key) }), "its signature is wrong");
  });

  it("must be known", async () => {
    await isRefused(
      await signToken(foreignKey, claims()),
      /^it is signed by a key that is not trusted: "\w{4}:/,
    );
  });

  it("must be named, even where there is one key only", async () => {
    const token = await signToken(key, claims(), { kid: "" });
    await isRefused(token, "it names no key: there is neither x5c nor jwk nor kid", trust([certificate]));
  });

  it.each([
    ["kid", 5],
    ["kid", { a: 1 }],
    ["x5c", "abc"],
    ["jwk", "abc"],
  ])("cannot be named by a %s that is %j", async (name, value) => {
    const header = { alg: "ES256", [name]: value };
    await isRefused(`${encode(header)}.${encode(claims())}.AAAA`, new RegExp(`^${name} is no `));
  });

  it("may bring its key in jwk if it is one of ours, whatever that calls itself", async () => {
    const jwk = createPublicKey(key).export({ format: "jwk" });
    expect((await verify(await signToken(key, claims(), { jwk }))).user).toBe("alice");
    const foreign = { ...createPublicKey(foreignKey).export({ format: "jwk" }), kid: kidOf(key) };
    await isRefused(
      await signToken(foreignKey, claims(), { jwk: foreign }),
      "jwk is a key that is not trusted",
    );
  });

  it.each([{ kty: "oct", k: "AAAA" }, { kty: "EC", crv: "P-256", x: "AA", y: "AA" }, {}])(
    "cannot bring %j for a key",
    async (jwk) => {
      const token = `${encode({ alg: "ES256", jwk })}.${encode(claims())}.AAAA`;
      await isRefused(token, "jwk holds no public key that can be read");
    },
  );
});

describe("the algorithm of a token", () => {
  it.each(["RS256", "RS512", "PS256", "PS384"])("may be %s with an RSA key", async (alg) => {
    expect((await verify(await signToken(rsaKey, claims(), { alg }))).user).toBe("alice");
  });

  it.each(["EdDSA", "Ed25519"])("may be %s with an Edwards key", async (alg) => {
    const { privateKey } = generateKeyPairSync("ed25519");
    const keys = trust([], [privateKey]);
    expect((await verify(await signToken(privateKey, claims(), { alg }), keys)).user).toBe("alice");
  });

  it.each([
    ["P-384", "ES384"],
    ["P-521", "ES512"],
  ])("is bound to the curve %s", async (namedCurve, alg) => {
    const { privateKey } = generateKeyPairSync("ec", { namedCurve });
    const token = await signToken(privateKey, claims(), { alg });
    expect((await verify(token, trust([], [privateKey]))).user).toBe("alice");
    const [, body, signature] = token.split(".");
    const lying = [encode({ alg: "ES256", kid: kidOf(privateKey) }), body, signature].join(".");
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
        const content = `${encode({ alg, typ: "JWT", kid: kidOf(rsaKey) })}.${encode(claims())}`;
        const token = `${content}.${createHmac(hash, secret).update(content).digest("base64url")}`;
        await isRefused(token, "it is signed by an algorithm that is not accepted");
        // Even if somebody were to let it through.
        await isRefused(token, "its key is not for the algorithm that it names", trusted, [alg]);
      }
    }
  });

  it.each(["none", "None", "NONE", "nOnE", ""])("is not %j", async (alg) => {
    const [, body, signature] = (await signToken(key, claims())).split(".");
    const header = encode({ alg, kid: kidOf(key) });
    await isRefused(`${header}.${body}.`, /^it is (signed by an algorithm that is not accepted|malformed)/);
    await isRefused(`${header}.${body}.${signature}`, /^it is (signed|malformed)/);
  });

  it("is one of those that are configured", async () => {
    const token = await signToken(rsaKey, claims(), { alg: "RS256" });
    await isRefused(token, "it is signed by an algorithm that is not accepted", trusted, ["RS512"]);
    expect((await verify(token, trusted, ["RS256"])).user).toBe("alice");
  });

  it("is the one that a key set names for the key", async () => {
    const jwk = { ...createPublicKey(rsaKey).export({ format: "jwk" }), alg: "RS512" };
    const { keys } = parseTrustedKeySet(Buffer.from(JSON.stringify({ keys: [jwk] })));
    const token = await signToken(rsaKey, claims(), { alg: "RS256" });
    await isRefused(token, "its key is not for the algorithm that it names", new TrustedKeys([], keys));
  });
});

describe("the certificates of a token", () => {
  const signed = (x5c: string[], by = foreignKey) => signToken(by, claims(), { x5c });

  it("may be one that is trusted itself", async () => {
    expect((await verify(await signed(x5cOf(certificate), key))).user).toBe("alice");
  });

  it("may lead to one that is trusted, in any order", async () => {
    const [rootKey, middleKey] = [makeKey(), makeKey()];
    const root = await certify({ key: rootKey, name: "root", authority: true });
    const middle = await certify({
      key: middleKey,
      name: "middle",
      authority: true,
      issuer: { key: rootKey, name: "root" },
    });
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key: middleKey, name: "middle" } });
    const keys = trust([certificate, root]);
    for (const chain of [
      [leaf, middle],
      [leaf, root, middle],
      [leaf, certificate, middle, root],
    ]) {
      expect((await verify(await signed(x5cOf(...chain)), keys)).user).toBe("alice");
    }
    await isRefused(await signed(x5cOf(leaf)), "x5c does not lead to a certificate of the bundle", keys);
    await isRefused(await signed(x5cOf(leaf, middle)), /does not lead/, trust([certificate]));
  });

  it("are refused from strangers, whatever they call themselves", async () => {
    const foreign = await certify({ key: foreignKey });
    await isRefused(await signed(x5cOf(foreign)), "x5c does not lead to a certificate of the bundle");
    await isRefused(
      await signed(x5cOf(foreign, certificate)),
      "x5c does not lead to a certificate of the bundle",
    );
  });

  it("are checked with the keys of trusted ones only, as others may make theirs as slow as they like", async () => {
    const strangers = await Promise.all(
      Array.from({ length: 5 }, () => certify({ key: foreignKey, authority: true })),
    );
    const namesake = await certify({ key, authority: true });
    const used = vi.spyOn(X509Certificate.prototype, "verify");
    await isRefused(await signed(x5cOf(...strangers)), /does not lead/, trust([namesake]));
    const keys = used.mock.calls.map(([each]) => each);
    used.mockRestore();
    expect(keys.length).toBeGreaterThan(0);
    expect(keys.filter((each) => !each.equals(createPublicKey(key)))).toEqual([]);
  });

  it("are refused if the first is not the signer's", async () => {
    await isRefused(await signed(x5cOf(certificate)), "its signature is wrong");
  });

  it("are refused if an issuer is no authority", async () => {
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key, name: "issuer" } });
    await isRefused(await signed(x5cOf(leaf, certificate)), /does not lead/);
  });

  it.each([
    ["has expired", { from: new Date(nowMs - 9e6), to: new Date(nowMs - 5e3) }],
    ["is not valid yet", { from: new Date(nowMs + 5e3), to: new Date(nowMs + 9e6) }],
  ])("are refused if the signer's %s, but its key may still be named by kid", async (_what, dates) => {
    const old = await certify({ key: foreignKey, ...dates });
    const keys = trust([old]);
    await isRefused(await signed(x5cOf(old)), "the certificate in x5c has expired or is not valid yet", keys);
    // As in the Go registry: the certificates that GitLab's packages make do expire.
    expect((await verify(await signToken(foreignKey, claims()), keys)).user).toBe("alice");
  });

  it.each(["root", "middle"])("are refused if the %s has expired", async (name) => {
    const [rootKey, middleKey] = [makeKey(), makeKey()];
    const dates = (of: string) =>
      of === name ? { from: new Date(nowMs - 9e6), to: new Date(nowMs - 5e3) } : {};
    const root = await certify({ key: rootKey, name: "root", authority: true, ...dates("root") });
    const middle = await certify({
      key: middleKey,
      name: "middle",
      authority: true,
      issuer: { key: rootKey, name: "root" },
      ...dates("middle"),
    });
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key: middleKey, name: "middle" } });
    const reason = "x5c leads to the bundle by a certificate that has expired or is not valid yet";
    await isRefused(await signed(x5cOf(leaf, middle)), reason, trust([root]));
  });

  it("may lead to the newer of two certificates of one authority", async () => {
    const rootKey = makeKey();
    const root = { key: rootKey, name: "root", authority: true };
    const old = await certify({ ...root, from: new Date(nowMs - 9e6), to: new Date(nowMs - 5e3) });
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key: rootKey, name: "root" } });
    const keys = trust([old, await certify(root)]);
    expect((await verify(await signed(x5cOf(leaf)), keys)).user).toBe("alice");
  });

  it("are refused if an authority stands below one that may have none below it", async () => {
    const [rootKey, middleKey] = [makeKey(), makeKey()];
    const middle = await certify({
      key: middleKey,
      name: "middle",
      authority: true,
      issuer: { key: rootKey, name: "root" },
    });
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key: middleKey, name: "middle" } });
    for (const pathLength of [0, 1]) {
      const root = await certify({ key: rootKey, name: "root", authority: true, pathLength });
      const result = signed(x5cOf(leaf, middle)).then((token) => verify(token, trust([root])));
      if (pathLength === 1) await expect(result).resolves.toMatchObject({ user: "alice" });
      else await expect(result).rejects.toThrow("more authorities below it than it may");
    }
  });

  it("are refused if one has a restriction that nobody knows", async () => {
    const root = await certify({ key, name: "root", authority: true });
    const leaf = await certify({
      key: foreignKey,
      name: "leaf",
      issuer: { key, name: "root" },
      criticalExtension: "1.2.3.4",
    });
    await isRefused(
      await signed(x5cOf(leaf)),
      /restriction that is unknown here: 1\.2\.3\.4$/,
      trust([root]),
    );
  });

  it("are not more than five", async () => {
    const token = await signed(Array.from({ length: 6 }, () => x5cOf(certificate)[0] ?? ""));
    await isRefused(token, "x5c has 6 certificates, more than 5");
  });

  it.each([[[5]], [["%"]], [["AAAA"]], [[""]], [["-----BEGIN CERTIFICATE-----"]], [[null]]])(
    "cannot be %j",
    async (x5c) => {
      await isRefused(
        `${encode({ alg: "ES256", x5c })}.${encode(claims())}.AAAA`,
        /^x5c holds something else/,
      );
    },
  );

  it("may stand in jwk, for that key", async () => {
    const root = await certify({ key, name: "root", authority: true });
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key, name: "root" } });
    const jwk = (of: KeyObject) => ({ ...createPublicKey(of).export({ format: "jwk" }), x5c: x5cOf(leaf) });
    const keys = trust([root]);
    expect((await verify(await signToken(foreignKey, claims(), { jwk: jwk(foreignKey) }), keys)).user).toBe(
      "alice",
    );
    const other = makeKey();
    const reason = "jwk is another key than that of the certificates in it";
    await isRefused(await signToken(other, claims(), { jwk: jwk(other) }), reason, keys);
  });

  it("make the token count no longer than they do", async () => {
    const to = new Date(Math.floor(nowMs / 1000) * 1000 + 20_000);
    const short = await certify({ key: foreignKey, to });
    const { validUntilMs } = await verify(await signed(x5cOf(short)), trust([short]));
    expect(validUntilMs).toBe(to.getTime());
  });

  it("do not matter where there is no bundle that they could lead to", async () => {
    const token = await signToken(rsaKey, claims(), { x5c: x5cOf(certificate), kid: kidOf(rsaKey) });
    expect((await verify(token, trust([], [rsaKey]))).user).toBe("alice");
  });
});

describe("for whom and when a token is", () => {
  const withClaims = async (more: Record<string, unknown>) => signToken(key, claims(more));

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
    const [header, body, signature] = (await signToken(key, claims())).split(".");
    const other = encode(claimsOf([{ type: "repository", name: "group/project", actions: ["*"] }]));
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
    await isRefused(sealed(header, encode(claims())), /^it is malformed/);
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
        const token = sealed(header, encode(claims(more)));
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

describe("what a token allows", () => {
  const withAccess = async (access: unknown) => verify(await signToken(key, { ...claims(), access }));

  it("is the sum of its entries", async () => {
    const verified = await withAccess([
      { type: "repository", name: "group/project", actions: ["pull"], meta: { project_id: 5 } },
      { type: "repository", name: "group/project", actions: ["push"] },
      { type: "repository", name: "group/other", actions: ["pull"], class: "image" },
    ]);
    expect([may(verified, "pull"), may(verified, "push"), may(verified, "pull", "group/other")]).toEqual([
      true,
      true,
      true,
    ]);
    expect(may(verified, "push", "group/other")).toBe(false);
  });

  it("is every action where it says *", async () => {
    const verified = await withAccess([{ type: "repository", name: "a", actions: ["*"] }]);
    expect([may(verified, "push", "a"), may(verified, "push", "a/b"), may(verified, "pull", "b")]).toEqual([
      true,
      false,
      false,
    ]);
  });

  it.each([
    { type: "repository", name: "*", actions: ["pull"] },
    { type: "repository", name: "group/*", actions: ["pull"] },
    { type: "repository(plugin)", name: "group/project", actions: ["pull"] },
    { type: "Repository", name: "group/project", actions: ["pull"] },
    { type: "repository", name: "group/project/", actions: ["pull"] },
    { type: "repository", name: "Group/Project", actions: ["pull"] },
    { type: "repository", name: "group/project", actions: ["Pull", "pull ", ""] },
    { type: "registry", name: "group/project", actions: ["pull"] },
    { type: "repository", actions: ["pull"] },
    { name: "group/project", actions: ["pull"] },
    { type: "repository", name: "group/project" },
    { type: null, name: null, actions: null },
  ])("is not a pull of group/project by %j", async (entry) => {
    expect(may(await withAccess([entry]), "pull")).toBe(false);
  });

  it.each([null, undefined, []])("is nothing with the claim access %j", async (access) => {
    expect(may(await withAccess(access), "pull")).toBe(false);
  });

  it.each([
    "repository:group/project:pull",
    5,
    {},
    [null],
    ["a"],
    [[]],
    [{ type: 5 }],
    [{ type: "repository", name: ["a"] }],
    [{ type: "repository", name: "a", actions: "pull" }],
    [{ type: "repository", name: "a", actions: [5] }],
    [{ type: "repository", name: "a", actions: { 0: "pull" } }],
  ])("cannot be read in %j", async (access) => {
    await expect(withAccess(access)).rejects.toMatchObject({
      name: "TokenRefused",
      message: expect.stringMatching(/^claim (access|type|name|actions) /),
    });
  });

  it.each([[5], [{}], [["alice"]]])("is for nobody who is called %j", async (sub) => {
    await isRefused(await signToken(key, claims({ sub })), "claim sub holds something else than text");
  });

  it.each([[null], [undefined]])("may be for somebody without a name: %j", async (sub) => {
    expect((await verify(await signToken(key, claims({ sub })))).user).toBe("");
  });
});
