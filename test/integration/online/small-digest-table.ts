import { type Digest, digestFromHex, digestHex } from "../../../src/oci/digest.ts";

/** Does what `DigestTable` does for a few SHA-256, without room for millions. */
export class SmallDigestTable {
  readonly #ids = new Map<Digest, number>();
  readonly #digests: Digest[] = [];

  get size(): number {
    return this.#digests.length;
  }

  intern(digest: Digest): number {
    const known = this.#ids.get(digest);
    if (known !== undefined) return known;
    this.#ids.set(digest, this.#digests.length);
    return this.#digests.push(digest) - 1;
  }

  internBytes(_algorithm: number, bytes: Uint8Array, offset: number): number {
    const hex = Buffer.from(bytes.buffer, bytes.byteOffset + offset, 32).toString("hex");
    return this.intern(digestFromHex("sha256", hex));
  }

  writeDigest(id: number, target: Uint8Array, offset: number): number {
    target.set(Buffer.from(digestHex(this.digestOf(id)), "hex"), offset);
    return offset + 32;
  }

  digestOf(id: number): Digest {
    const digest = this.#digests[id];
    if (digest === undefined) throw new Error(`no digest has number ${id}`);
    return digest;
  }

  algorithmOf(): "sha256" {
    return "sha256";
  }

  ids(): IterableIterator<number> {
    return this.#digests.keys();
  }
}
