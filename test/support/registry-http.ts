import { createHash } from "node:crypto";
import { Agent, type IncomingHttpHeaders, request } from "node:http";

const MANIFEST = "application/vnd.oci.image.manifest.v1+json";

/** An answer, read to its end. */
export interface HttpAnswer {
  status: number;
  headers: IncomingHttpHeaders;
  body: Buffer;
}

/** A small image that a test pushed. */
export interface PushedImage {
  repository: string;
  tag: string;
  manifestDigest: string;
  blobDigests: string[];
}

/** The digest of some bytes. */
export function sha256(bytes: Uint8Array | string): string {
  return `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
}

/** A bare client of the registry API, as fast as node:http is, which repeats nothing and hides nothing. */
export class RegistryHttp {
  readonly #base: string;
  readonly #agent: Agent;

  /** @param base - `http://127.0.0.1:port` */
  constructor(base: string, options: { maxSockets?: number } = {}) {
    this.#base = base;
    this.#agent = new Agent({ keepAlive: true, maxSockets: options.maxSockets ?? 64 });
  }

  /** Closes the connections that are kept for further requests. */
  close(): void {
    this.#agent.destroy();
  }

  /** One request. @throws {Error} if the connection breaks before the answer's end */
  send(
    method: string,
    path: string,
    options: { headers?: Record<string, string>; body?: Uint8Array | string } = {},
  ): Promise<HttpAnswer> {
    const body = options.body === undefined ? undefined : Buffer.from(options.body);
    const headers = { ...options.headers, "content-length": String(body?.length ?? 0) };
    return new Promise((resolve, reject) => {
      const outgoing = request(
        new URL(path, this.#base),
        { method, headers, agent: this.#agent },
        (answer) => {
          const chunks: Buffer[] = [];
          answer.on("data", (chunk: Buffer) => chunks.push(chunk));
          answer.on("error", reject);
          answer.on("end", () => {
            resolve({ status: answer.statusCode ?? 0, headers: answer.headers, body: Buffer.concat(chunks) });
          });
          answer.on("close", () => {
            if (!answer.complete) reject(new Error(`${method} ${path}: the answer was cut off`));
          });
        },
      );
      outgoing.on("error", reject);
      outgoing.end(body);
    });
  }

  /** Starts an upload. @returns where it goes on */
  async startUpload(repository: string): Promise<string> {
    return locationOf(expectStatus(await this.send("POST", `/v2/${repository}/blobs/uploads/`), 202));
  }

  /** Sends the next chunk of an upload. @returns where it goes on */
  async sendChunk(location: string, chunk: Uint8Array, offset: number): Promise<string> {
    const headers = {
      "content-type": "application/octet-stream",
      "content-range": `${offset}-${offset + chunk.length - 1}`,
    };
    return locationOf(expectStatus(await this.send("PATCH", location, { headers, body: chunk }), 202));
  }

  /** Ends an upload. */
  async finishUpload(location: string, digest: string, lastBytes?: Uint8Array): Promise<void> {
    const url = `${location}${location.includes("?") ? "&" : "?"}digest=${encodeURIComponent(digest)}`;
    const headers = { "content-type": "application/octet-stream" };
    expectStatus(
      await this.send("PUT", url, lastBytes === undefined ? {} : { headers, body: lastBytes }),
      201,
    );
  }

  /** Uploads a blob in as many chunks as given. @returns its digest */
  async pushBlob(repository: string, chunks: readonly Uint8Array[]): Promise<string> {
    const digest = sha256(Buffer.concat(chunks));
    let location = await this.startUpload(repository);
    let offset = 0;
    for (const chunk of chunks) {
      location = await this.sendChunk(location, chunk, offset);
      offset += chunk.length;
    }
    await this.finishUpload(location, digest);
    return digest;
  }

  /** Pushes an image of one layer, sent in the given chunks, and tags it. Resolves once all is acknowledged. */
  async pushImage(repository: string, tag: string, chunks: readonly Uint8Array[]): Promise<PushedImage> {
    const layer = Buffer.concat(chunks);
    const layerDigest = await this.pushBlob(repository, chunks);
    const config = Buffer.from(
      JSON.stringify({
        architecture: "amd64",
        os: "linux",
        rootfs: { type: "layers", diff_ids: [layerDigest] },
      }),
    );
    const configDigest = sha256(config);
    await this.finishUpload(await this.startUpload(repository), configDigest, config);
    const mediaType = MANIFEST;
    const manifest = JSON.stringify({
      schemaVersion: 2,
      mediaType,
      config: {
        mediaType: "application/vnd.oci.image.config.v1+json",
        digest: configDigest,
        size: config.length,
      },
      layers: [
        {
          mediaType: "application/vnd.oci.image.layer.v1.tar",
          digest: layerDigest,
          size: layer.length,
        },
      ],
    });
    const headers = { "content-type": mediaType };
    expectStatus(
      await this.send("PUT", `/v2/${repository}/manifests/${tag}`, { headers, body: manifest }),
      201,
    );
    return { repository, tag, manifestDigest: sha256(manifest), blobDigests: [configDigest, layerDigest] };
  }

  /** Pulls an image by its tag. @throws {Error} if any byte of it is missing or wrong */
  async expectComplete(image: PushedImage): Promise<void> {
    const { repository, tag } = image;
    const headers = { accept: MANIFEST };
    const manifest = expectStatus(
      await this.send("GET", `/v2/${repository}/manifests/${tag}`, { headers }),
      200,
    );
    if (sha256(manifest.body) !== image.manifestDigest)
      throw new Error(`${repository}:${tag} is another manifest`);
    for (const digest of image.blobDigests) {
      const blob = expectStatus(await this.send("GET", `/v2/${repository}/blobs/${digest}`), 200);
      if (sha256(blob.body) !== digest) throw new Error(`${repository}@${digest} has wrong bytes`);
    }
  }
}

function locationOf(answer: HttpAnswer): string {
  const { location } = answer.headers;
  if (location === undefined) throw new Error("the answer has no Location");
  return location;
}

/** @throws {Error} with what was answered if the status is another */
export function expectStatus(answer: HttpAnswer, status: number): HttpAnswer {
  if (answer.status !== status)
    throw new Error(
      `expected status ${status}, got ${answer.status}: ${answer.body.toString().slice(0, 500)}`,
    );
  return answer;
}
