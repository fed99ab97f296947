import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { type Digest, digestOf, isDigest } from "../../src/oci/digest.ts";
import { OCI_MANIFEST } from "../../src/oci/media-types.ts";

/** What a test wants of its registry. */
export interface FakeRegistryOptions {
  /** How it removes tags: by OCI's call, by GitLab's, or not at all, as the Go registry 2.8 does. */
  removes?: "oci" | "gitlab" | "never";
  /** Entries of a list that it gives at a time, whatever is asked for. */
  pageSize?: number;
  /** Makes the address of a next page; the path by default. */
  linkTo?: (path: string) => string;
  /** It wants tokens that count for so many requests. */
  requestsPerToken?: number;
  /** It wants tokens that count for so long, and says so. */
  tokenLifeSeconds?: number;
  /** Looks at each request first. @returns true if it has answered */
  before?: (request: IncomingMessage, response: ServerResponse) => boolean;
}

/** A registry in the test's own process that can be made to misbehave. */
export interface FakeRegistry {
  url: string;
  /** `METHOD /path?query`, in order, without those to the token service. */
  requests: string[];
  /** How many tokens it has given. */
  tokensGiven: () => number;
  /** By repository, then by tag. */
  tags: Map<string, Map<string, Digest>>;
  /** Manifests and blobs, of all repositories. */
  content: Map<Digest, Buffer>;
  /** @returns the digest of an image that nobody else has, which the tags given point to */
  push(repository: string, ...tags: string[]): Digest;
  close(): Promise<void>;
}

/** Starts a registry over nothing but memory; users and their passwords are not looked at. */
export async function startFakeRegistry(options: FakeRegistryOptions = {}): Promise<FakeRegistry> {
  const registry = new Fake(options);
  await registry.start();
  return registry;
}

class Fake implements FakeRegistry {
  readonly requests: string[] = [];
  readonly tags: FakeRegistry["tags"] = new Map();
  readonly content: FakeRegistry["content"] = new Map();
  url = "";
  readonly #options: FakeRegistryOptions;
  readonly #server = createServer((request, response) => this.#answer(request, response));
  readonly #tokens = new Map<string, { scopes: string[]; left: number; untilMs: number }>();
  #given = 0;
  #pushed = 0;

  constructor(options: FakeRegistryOptions) {
    this.#options = options;
  }

  async start(): Promise<void> {
    this.#server.listen(0, "127.0.0.1");
    await once(this.#server, "listening");
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
  }

  async close(): Promise<void> {
    this.#server.closeAllConnections();
    await new Promise((resolve) => this.#server.close(resolve));
  }

  tokensGiven = (): number => this.#given;

  push(repository: string, ...tags: string[]): Digest {
    const created = new Date(Date.UTC(2024, 0, 1) + this.#pushed++ * 60_000).toISOString();
    const config = this.#put(JSON.stringify({ created, os: "linux", architecture: "amd64" }));
    const layer = this.#put(`layer ${this.#pushed}`);
    const descriptor = (digest: Digest, mediaType: string) => ({
      ...{ mediaType, digest, size: this.content.get(digest)?.length },
    });
    const digest = this.#put(
      JSON.stringify({
        schemaVersion: 2,
        mediaType: OCI_MANIFEST,
        config: descriptor(config, "application/vnd.oci.image.config.v1+json"),
        layers: [descriptor(layer, "application/vnd.oci.image.layer.v1.tar+gzip")],
      }),
    );
    const known = this.tags.get(repository) ?? new Map<string, Digest>();
    for (const tag of tags) known.set(tag, digest);
    this.tags.set(repository, known);
    return digest;
  }

  #put(text: string): Digest {
    const bytes = Buffer.from(text);
    const digest = digestOf(bytes);
    this.content.set(digest, bytes);
    return digest;
  }

  #answer(request: IncomingMessage, response: ServerResponse): void {
    const url = new URL(request.url ?? "", this.url);
    if (url.pathname === "/token") {
      this.#giveToken(url, response);
      return;
    }
    this.requests.push(`${request.method} ${request.url}`);
    if (this.#options.before?.(request, response) || !this.#isLetIn(request, url, response)) return;
    this.#serve(request, url, response);
  }

  #serve(request: IncomingMessage, url: URL, response: ServerResponse): void {
    const [, repository = "", kind = "", reference = ""] =
      /^\/v2\/(.+)\/(manifests|blobs|tags\/reference|tags)\/([^/]+)$/.exec(url.pathname) ?? [];
    const tags = this.tags.get(repository);
    if (url.pathname === "/v2/_catalog") this.#list(url, response, "repositories", [...this.tags.keys()]);
    else if (tags === undefined) refuse(response, 404, "NAME_UNKNOWN");
    else if (kind === "tags") this.#list(url, response, "tags", [...tags.keys()]);
    else if (kind === "tags/reference") this.#gitlabCall(request, response, tags, reference);
    else if (request.method === "DELETE") this.#remove(response, tags, reference);
    else this.#send(request, response, isDigest(reference) ? reference : tags.get(reference));
  }

  #send({ method }: IncomingMessage, response: ServerResponse, digest: Digest | undefined): void {
    const bytes = digest && this.content.get(digest);
    if (digest === undefined || bytes === undefined) {
      refuse(response, 404, "MANIFEST_UNKNOWN");
      return;
    }
    response.writeHead(200, { "docker-content-digest": digest, "content-length": bytes.length });
    response.end(method === "HEAD" ? undefined : bytes);
  }

  #remove(response: ServerResponse, tags: Map<string, Digest>, tag: string): void {
    const { removes = "oci" } = this.#options;
    if (removes !== "oci") refuse(response, 400, "DIGEST_INVALID");
    else if (tags.delete(tag)) response.writeHead(202).end();
    else refuse(response, 404, "MANIFEST_UNKNOWN");
  }

  #gitlabCall(
    { method }: IncomingMessage,
    response: ServerResponse,
    tags: Map<string, Digest>,
    tag: string,
  ): void {
    if (this.#options.removes !== "gitlab") response.writeHead(404).end("404 page not found\n");
    else if (method === "OPTIONS") response.writeHead(200, { allow: "DELETE" }).end();
    else if (method === "DELETE" && tags.delete(tag)) response.writeHead(202).end();
    else refuse(response, 404, "TAG_UNKNOWN");
  }

  #list(url: URL, response: ServerResponse, field: string, names: string[]): void {
    const last = url.searchParams.get("last") ?? "";
    const size = Math.min(Number(url.searchParams.get("n") ?? names.length), this.#options.pageSize ?? 1000);
    const left = names.sort().filter((name) => name > last);
    const page = left.slice(0, size);
    if (left.length > size) {
      const path = `${url.pathname}?n=${size}&last=${page.at(-1)}`;
      response.setHeader("link", `<${this.#options.linkTo?.(path) ?? path}>; rel="next"`);
    }
    response.end(JSON.stringify({ [field]: page }));
  }

  #giveToken(url: URL, response: ServerResponse): void {
    const { requestsPerToken = Number.POSITIVE_INFINITY, tokenLifeSeconds } = this.#options;
    const token = `token${this.#given++}`;
    this.#tokens.set(token, {
      scopes: url.searchParams.getAll("scope"),
      left: requestsPerToken,
      untilMs: Date.now() + (tokenLifeSeconds ?? 3600) * 1000,
    });
    response.end(
      JSON.stringify({ token, ...(tokenLifeSeconds === undefined ? {} : { expires_in: tokenLifeSeconds }) }),
    );
  }

  #isLetIn({ method, headers }: IncomingMessage, url: URL, response: ServerResponse): boolean {
    const { requestsPerToken, tokenLifeSeconds } = this.#options;
    if (requestsPerToken === undefined && tokenLifeSeconds === undefined) return true;
    const repository = /^\/v2\/(.+)\/(?:manifests|blobs|tags)\//.exec(url.pathname)?.[1];
    const action = method === "DELETE" || method === "OPTIONS" ? "delete" : "pull";
    const scope = repository === undefined ? "registry:catalog:*" : `repository:${repository}:${action}`;
    const held = this.#tokens.get((headers.authorization ?? "").replace("Bearer ", ""));
    if (held?.scopes.includes(scope) && held.left-- > 0 && Date.now() < held.untilMs) return true;
    const error = held === undefined ? "" : ',error="invalid_token"';
    const challenge = `Bearer realm="${this.url}/token",service="fake",scope="${scope}"${error}`;
    response.setHeader("www-authenticate", challenge);
    refuse(response, 401, "UNAUTHORIZED");
    return false;
  }
}

function refuse(response: ServerResponse, status: number, code: string): void {
  response.writeHead(status).end(JSON.stringify({ errors: [{ code, message: "no" }] }));
}
