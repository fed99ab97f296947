import { setTimeout as sleep } from "node:timers/promises";
import { type HttpAnswer, RegistryHttp, sha256 } from "../registry-http.ts";
import { type LiveImage, type LiveObject, liveImage } from "./live-image.ts";
import type { LiveLedger } from "./live-ledger.ts";

const ACCEPT =
  "application/vnd.oci.image.index.v1+json, application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";
/** Each tag is overwritten again and again, which makes the image before it garbage. */
const TAGS = ["latest", "stable", "v1"];
/** So long may a server say that it is not ready. */
const PATIENCE_MS = 60_000;

/** A client that pushes and pulls without pause, and sends nothing again that did not fail as it may. */
export class LiveClient {
  readonly #repository: string;
  readonly #ledger: LiveLedger;
  readonly #http: RegistryHttp;
  readonly #images: LiveImage[] = [];
  #rounds = 0;

  constructor(url: string, repository: string, ledger: LiveLedger) {
    this.#repository = repository;
    this.#ledger = ledger;
    this.#http = new RegistryHttp(url, { maxSockets: 4 });
  }

  /** Works until the signal is aborted. */
  async run(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      try {
        await this.#round();
      } catch (error) {
        this.#ledger.fail(`${this.#repository}: ${error instanceof Error ? error.message : error}`);
      }
    }
    this.#http.close();
  }

  /** Pushes one image under the tag `latest`. */
  async pushOnce(): Promise<void> {
    const image = this.#chooseImage();
    await this.#push(image, "latest");
    this.#ledger.acknowledged(`${this.#repository}:latest`, image);
    this.#http.close();
  }

  /** Pulls an image with all platforms and its referrer. @throws {Error} if a byte is missing or wrong */
  async expectComplete(tag: string, image: LiveImage): Promise<void> {
    await this.#pull(tag, image);
    this.#http.close();
  }

  async #round(): Promise<void> {
    this.#rounds++;
    const tag = TAGS[this.#rounds % TAGS.length] ?? "latest";
    const image = this.#chooseImage();
    await this.#push(image, tag);
    this.#ledger.acknowledged(`${this.#repository}:${tag}`, image);
    await this.#pull(tag, image);
    const other = TAGS[(this.#rounds + 1) % TAGS.length] ?? "latest";
    const known = this.#ledger.tags.get(`${this.#repository}:${other}`);
    if (known) await this.#pull(other, known);
  }

  /** Rather one that a collection has deleted than a new one, every other time. */
  #chooseImage(): LiveImage {
    if (this.#rounds % 2 === 0) {
      const gone = this.#images.findIndex((image) => this.#ledger.isDeleted(image));
      const [image] = gone < 0 ? [] : this.#images.splice(gone, 1);
      if (image) {
        this.#images.push(image);
        return image;
      }
    }
    const image = liveImage(this.#repository, this.#rounds);
    this.#images.push(image);
    // Their bytes are kept, which is memory.
    if (this.#images.length > 60) this.#images.shift();
    return image;
  }

  async #push(image: LiveImage, tag: string): Promise<void> {
    for (const blob of image.blobs) await this.#pushBlob(blob);
    for (const manifest of image.manifests)
      await this.#putManifest(manifest, manifest === image.index ? tag : manifest.digest);
  }

  async #pushBlob(blob: LiveObject): Promise<void> {
    const path = `/v2/${this.#repository}/blobs/${blob.digest}`;
    const head = await this.#send("HEAD", path, {}, [200, 404]);
    if (head.status === 200) return;
    const start = await this.#send("POST", `/v2/${this.#repository}/blobs/uploads/`, {}, [202]);
    const location = start.headers.location ?? "";
    const url = `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(blob.digest)}`;
    const headers = { "content-type": "application/octet-stream" };
    await this.#send("PUT", url, { headers, body: blob.bytes }, [201]);
  }

  async #putManifest({ mediaType, bytes }: LiveObject, reference: string): Promise<void> {
    const path = `/v2/${this.#repository}/manifests/${reference}`;
    await this.#send("PUT", path, { headers: { "content-type": mediaType }, body: bytes }, [201]);
  }

  /** @throws {Error} if a byte of it is missing or wrong */
  async #pull(tag: string, image: LiveImage): Promise<void> {
    const get = (kind: string, reference: string): Promise<HttpAnswer> =>
      this.#send(
        "GET",
        `/v2/${this.#repository}/${kind}/${reference}`,
        { headers: { accept: ACCEPT } },
        [200],
      );
    const root = await get("manifests", tag);
    if (sha256(root.body) !== image.index.digest) throw new Error(`${tag} is ${sha256(root.body)}`);
    for (const { digest } of image.manifests) await expectDigest(get("manifests", digest), digest);
    for (const { digest } of image.blobs) await expectDigest(get("blobs", digest), digest);
    this.#ledger.counts.pulls++;
  }

  /** Sends again what a read-only registry refuses, or what it asks to send later. */
  async #send(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: Buffer },
    wanted: number[],
  ): Promise<HttpAnswer> {
    const { counts } = this.#ledger;
    const untilMs = Date.now() + PATIENCE_MS;
    for (;;) {
      const sentMs = Date.now();
      const answer = await this.#http.send(method, path, options);
      if (wanted.includes(answer.status)) return answer;
      const isWrite = method !== "GET" && method !== "HEAD";
      if (answer.status === 405 && isWrite && this.#ledger.mayRefuse(sentMs)) counts.refused++;
      else if (answer.status === 503 && isWrite && answer.headers["retry-after"] !== undefined)
        counts.postponed++;
      else throw unexpected(method, path, answer);
      if (Date.now() > untilMs) throw unexpected(method, path, answer);
      await sleep(50);
    }
  }
}

function unexpected(method: string, path: string, { status, body }: HttpAnswer): Error {
  return new Error(`${method} ${path} gave ${status}: ${body.toString().slice(0, 300)}`);
}

async function expectDigest(answer: Promise<HttpAnswer>, digest: string): Promise<void> {
  const { body } = await answer;
  if (sha256(body) !== digest) throw new Error(`${digest} has the bytes of ${sha256(body)}`);
}
