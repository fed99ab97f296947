import { createPublicKey, type KeyObject, X509Certificate } from "node:crypto";
import { beforeAll, describe, expect, it, vi } from "vitest";
import type { TrustedKeys } from "../../../../src/server/auth/trusted-keys.ts";
import {
  type CertificateWish,
  certify,
  kidOf,
  makeKey,
  makeRsaKey,
  signToken,
  x5cOf,
} from "../../../support/token-authority.ts";
import {
  encodePart,
  expectRefused,
  nowMs,
  pullClaims,
  trust,
  verify as verifyWith,
} from "../../../support/verified-tokens.ts";

let key: KeyObject;
let foreignKey: KeyObject;
let certificate: X509Certificate;
let trusted: TrustedKeys;

beforeAll(async () => {
  key = makeKey();
  foreignKey = makeKey();
  certificate = await certify({ key });
  trusted = trust([certificate]);
});

const verify = (token: string, keys = trusted) => verifyWith(token, keys);
const isRefused = (token: string, reason: string | RegExp, keys = trusted) =>
  expectRefused(token, reason, keys);

/** A certificate of the foreign key below an authority below another one. */
async function chainOfThree(
  more: { root?: Partial<CertificateWish>; middle?: Partial<CertificateWish> } = {},
) {
  const root = { key: makeKey(), name: "root" };
  const middle = { key: makeKey(), name: "middle" };
  return {
    root: await certify({ ...root, authority: true, ...more.root }),
    middle: await certify({ ...middle, authority: true, issuer: root, ...more.middle }),
    leaf: await certify({ key: foreignKey, name: "leaf", issuer: middle }),
  };
}

describe("the certificates of a token", () => {
  const signed = (x5c: string[], by = foreignKey) => signToken(by, pullClaims(), { x5c });

  it("may be one that is trusted itself", async () => {
    expect((await verify(await signed(x5cOf(certificate), key))).user).toBe("alice");
  });

  it("may lead to one that is trusted, in any order", async () => {
    const { root, middle, leaf } = await chainOfThree();
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
    expect((await verify(await signToken(foreignKey, pullClaims()), keys)).user).toBe("alice");
  });

  it.each(["root", "middle"])("are refused if the %s has expired", async (name) => {
    const dates = { from: new Date(nowMs - 9e6), to: new Date(nowMs - 5e3) };
    const { root, middle, leaf } = await chainOfThree({ [name]: dates });
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
    for (const pathLength of [0, 1]) {
      const { root, middle, leaf } = await chainOfThree({ root: { pathLength } });
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
        `${encodePart({ alg: "ES256", x5c })}.${encodePart(pullClaims())}.AAAA`,
        /^x5c holds something else/,
      );
    },
  );

  it("may stand in jwk, for that key", async () => {
    const root = await certify({ key, name: "root", authority: true });
    const leaf = await certify({ key: foreignKey, name: "leaf", issuer: { key, name: "root" } });
    const jwk = (of: KeyObject) => ({ ...createPublicKey(of).export({ format: "jwk" }), x5c: x5cOf(leaf) });
    const keys = trust([root]);
    expect(
      (await verify(await signToken(foreignKey, pullClaims(), { jwk: jwk(foreignKey) }), keys)).user,
    ).toBe("alice");
    const other = makeKey();
    const reason = "jwk is another key than that of the certificates in it";
    await isRefused(await signToken(other, pullClaims(), { jwk: jwk(other) }), reason, keys);
  });

  it("make the token count no longer than they do", async () => {
    const to = new Date(Math.floor(nowMs / 1000) * 1000 + 20_000);
    const short = await certify({ key: foreignKey, to });
    const { validUntilMs } = await verify(await signed(x5cOf(short)), trust([short]));
    expect(validUntilMs).toBe(to.getTime());
  });

  it("do not matter where there is no bundle that they could lead to", async () => {
    const rsaKey = makeRsaKey();
    const token = await signToken(rsaKey, pullClaims(), { x5c: x5cOf(certificate), kid: kidOf(rsaKey) });
    expect((await verify(token, trust([], [rsaKey]))).user).toBe("alice");
  });
});
