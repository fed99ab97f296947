import type { LargeTree } from "./large-tree.ts";
import { RegistryHttp, sha256 } from "./registry-http.ts";

const ACCEPT = [
  "application/vnd.oci.image.index.v1+json",
  "application/vnd.oci.image.manifest.v1+json",
  "application/vnd.docker.distribution.manifest.list.v2+json",
].join(", ");

/**
 * Pulls every tag of a tree from a server, with all platforms, all that an index lists, and all referrers.
 *
 * @returns how many manifests were pulled
 * @throws {Error} at the first thing that is missing or wrong
 */
export async function pullAll(url: string, tree: LargeTree): Promise<number> {
  const client = new RegistryHttp(url, { maxSockets: 16 });
  try {
    let pulled = 0;
    for (const [repository, tags] of tree.tags)
      pulled += await new Puller(client, tree, repository).pull(tags);
    return pulled;
  } finally {
    client.close();
  }
}

class Puller {
  readonly #client: RegistryHttp;
  readonly #repository: string;
  readonly #referrers: ReadonlyMap<string, string[]>;
  readonly #seen = new Set<string>();
  readonly #blobs = new Set<string>();

  constructor(client: RegistryHttp, tree: LargeTree, repository: string) {
    this.#client = client;
    this.#repository = repository;
    this.#referrers = tree.referrers.get(repository) ?? new Map();
  }

  async pull(tags: ReadonlyMap<string, string>): Promise<number> {
    for (const [tag, digest] of tags) {
      const { headers } = await this.#get(`manifests/${tag}`);
      const answered = String(headers["docker-content-digest"]);
      // The server may name a SHA-512 manifest by its SHA-256.
      if (digest.startsWith("sha256:") && answered !== digest) {
        throw new Error(`${this.#repository}:${tag} is ${answered}, not ${digest}`);
      }
      await this.#pullManifest(digest);
    }
    await Promise.all([...this.#blobs].map((digest) => this.#pullBlob(digest)));
    return this.#seen.size;
  }

  async #pullManifest(digest: string): Promise<void> {
    if (this.#seen.has(digest)) return;
    this.#seen.add(digest);
    const { body } = await this.#get(`manifests/${digest}`);
    if (digest.startsWith("sha256:") && sha256(body) !== digest) throw new Error(`${digest} has other bytes`);
    const json = JSON.parse(body.toString());
    for (const child of json.manifests ?? []) await this.#pullManifest(child.digest);
    for (const blob of [json.config, ...(json.layers ?? [])]) if (blob) this.#blobs.add(blob.digest);
    await this.#pullReferrers(digest);
  }

  async #pullReferrers(digest: string): Promise<void> {
    const expected = this.#referrers.get(digest);
    if (!expected) return;
    const { body } = await this.#get(`referrers/${digest}`);
    const listed = JSON.parse(body.toString()).manifests.map((each: { digest: string }) => each.digest);
    for (const referrer of expected) {
      if (!listed.includes(referrer)) throw new Error(`${referrer} is no referrer of ${digest} any more`);
      await this.#pullManifest(referrer);
    }
  }

  async #pullBlob(digest: string): Promise<void> {
    const { body } = await this.#get(`blobs/${digest}`);
    if (digest.startsWith("sha256:") && sha256(body) !== digest) throw new Error(`${digest} has other bytes`);
  }

  async #get(path: string) {
    const answer = await this.#client.send("GET", `/v2/${this.#repository}/${path}`, {
      headers: { accept: ACCEPT },
    });
    if (answer.status !== 200)
      throw new Error(`GET ${this.#repository}/${path}: ${answer.status} ${answer.body}`);
    return answer;
  }
}
