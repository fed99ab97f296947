import type { KeyObject, X509Certificate } from "node:crypto";
import { jwkThumbprint, libtrustFingerprint } from "../../lib/key-fingerprints.ts";

/** A public key whose signatures count. */
export interface TrustedKey {
  publicKey: KeyObject;
  /** JOSE names of the signatures that it checks; no others count, whatever a token says. */
  algorithms: readonly string[];
}

/** A key with the name that its file gives it. */
export interface NamedKey extends TrustedKey {
  kid: string | undefined;
}

/** What a file contributes to the keys that are trusted. */
export interface TrustedKeySource {
  anchors: readonly X509Certificate[];
  keys: readonly NamedKey[];
}

/** The keys that tokens may be signed with, found by the names that tokens give them. */
export class TrustedKeys {
  /** Certificates that the chain of a token may end in. */
  readonly anchors: readonly X509Certificate[];
  readonly #keys: readonly NamedKey[];
  readonly #byKid = new Map<string, TrustedKey>();
  #byThumbprint: Promise<Map<string, TrustedKey>> | undefined;

  constructor(sources: readonly TrustedKeySource[]) {
    const keys = sources.flatMap((source) => source.keys);
    this.anchors = sources.flatMap(({ anchors }) => anchors);
    this.#keys = keys;
    for (const key of keys) this.#byKid.set(libtrustFingerprint(key.publicKey), key);
    // The names of a key set's own come last, as they are what its author says.
    for (const key of keys) if (key.kid !== undefined) this.#byKid.set(key.kid, key);
  }

  /**
   * Finds a key by the name in a key set, by libtrust's fingerprint (the Go registry up to 2.8, GitLab) or by the
   * thumbprint of RFC 7638 (the Go registry from 3.0 on).
   */
  async find(kid: string): Promise<TrustedKey | undefined> {
    const known = this.#byKid.get(kid);
    if (known) return known;
    this.#byThumbprint ??= byThumbprint(this.#keys);
    return (await this.#byThumbprint).get(kid);
  }

  /** Finds the key that is the very same, whatever it is called. */
  findSame(publicKey: KeyObject): TrustedKey | undefined {
    return this.#keys.find((key) => key.publicKey.equals(publicKey));
  }
}

async function byThumbprint(keys: readonly TrustedKey[]): Promise<Map<string, TrustedKey>> {
  return new Map(
    await Promise.all(
      keys.map(async (key): Promise<[string, TrustedKey]> => [await jwkThumbprint(key.publicKey), key]),
    ),
  );
}
