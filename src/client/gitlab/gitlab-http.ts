import type { IncomingHttpHeaders } from "node:http";
import { rootCertificates } from "node:tls";
import { Agent, type Dispatcher, ProxyAgent, request } from "undici";
import { CancelledError } from "../../errors.ts";
import { MASK } from "../../lib/mask-secrets.ts";
import { proxyFor } from "../../lib/proxy-rules.ts";
import { explainRefusal, explainSilence, noGitLab } from "./explain-failure.ts";
import { GitLabError } from "./gitlab-error.ts";
import { retryDelayMs } from "./retry-delay.ts";

const ATTEMPTS = 6;
const CONNECT_MS = 15_000;
/** A page of a hundred projects takes a busy GitLab long; it gives up by itself after a minute. */
const SILENCE_MS = 90_000;
const TOTAL_MS = 5 * 60_000;
/** A hundred projects take less than a megabyte. */
const MAX_ANSWER_BYTES = 32 * 1024 * 1024;

/** What is asked of GitLab. */
export interface GitLabRequest {
  method: "GET" | "PUT";
  /** Below `/api/v4/`, escaped. */
  path: string;
  parameters?: URLSearchParams | undefined;
  body?: unknown;
  /** For messages: `listing projects`. */
  doing: string;
  signal?: AbortSignal | undefined;
}

/** What GitLab answers. */
export interface GitLabAnswer {
  json: unknown;
  /** Of `Link`. */
  link: string | undefined;
}

/** How GitLab is reached. */
export interface GitLabHttpOptions {
  /** What `parseGitLabAddress` gives. */
  address: URL;
  token: string;
  /** Certificates in PEM form that are trusted beside those that any program trusts. */
  ca?: string | undefined;
  /** Where the variables of a proxy are. */
  env: Readonly<Record<string, string | undefined>>;
  userAgent: string;
  /** Waits before another attempt. */
  wait: (waitMs: number, why: GitLabError, signal: AbortSignal | undefined) => Promise<void>;
}

/**
 * Asks GitLab's API, with the token. What passes is asked again: no answer, 429, 5xx; every request that is made here may be made
 * twice. No redirection is followed, since the token is for nobody else.
 */
export class GitLabHttp {
  /** For people: the address without `/api/v4/`. */
  readonly server: string;
  readonly #options: GitLabHttpOptions;
  readonly #proxy: string | undefined;
  readonly #connections: Dispatcher;

  /** @throws {ProxyVariableError} */
  constructor(options: GitLabHttpOptions) {
    const { address, ca, env } = options;
    this.#options = options;
    this.server = address.href.replace(/\/api\/v4\/$/, "");
    this.#proxy = proxyFor(address.origin, env);
    const tls = { timeout: CONNECT_MS, ...(ca === undefined ? {} : { ca: [...rootCertificates, ca] }) };
    const timeouts = { headersTimeout: SILENCE_MS, bodyTimeout: SILENCE_MS };
    this.#connections =
      this.#proxy === undefined
        ? new Agent({ ...timeouts, connect: tls })
        : new ProxyAgent({
            ...timeouts,
            uri: this.#proxy,
            requestTls: tls,
            proxyTls: { timeout: CONNECT_MS },
          });
  }

  /**
   * @throws {GitLabError}
   * @throws {CancelledError}
   */
  async ask(wanted: GitLabRequest): Promise<GitLabAnswer> {
    const { signal } = wanted;
    for (let attempt = 1; ; attempt++) {
      const told: IncomingHttpHeaders = {};
      try {
        return await this.#askOnce(wanted, told);
      } catch (error) {
        if (signal?.aborted) throw new CancelledError();
        const failure =
          error instanceof GitLabError ? error : explainSilence(error, this.server, this.#proxy);
        if (!failure.isPassing || attempt === ATTEMPTS) throw failure;
        await this.#options.wait(retryDelayMs(attempt, told, Date.now()), failure, signal);
        if (signal?.aborted) throw new CancelledError();
      }
    }
  }

  /** Ends connections that are kept for another request. */
  async close(): Promise<void> {
    await this.#connections.destroy();
  }

  async #askOnce(
    { method, path, parameters, body, doing, signal }: GitLabRequest,
    told: IncomingHttpHeaders,
  ): Promise<GitLabAnswer> {
    const { address, token, userAgent } = this.#options;
    const url = new URL(path, address);
    url.search = parameters?.toString() ?? "";
    const deadline = AbortSignal.timeout(TOTAL_MS);
    const answer = await request(url, {
      method,
      dispatcher: this.#connections,
      // Personal, project and group access tokens are taken in this header as well as those of OAuth.
      headers: {
        ...{ authorization: `Bearer ${token}`, accept: "application/json", "user-agent": userAgent },
        ...(body === undefined ? {} : { "content-type": "application/json" }),
      },
      body: body === undefined ? null : JSON.stringify(body),
      signal: signal === undefined ? deadline : AbortSignal.any([signal, deadline]),
    });
    const { statusCode: status, headers } = answer;
    const text = await textOf(answer.body);
    Object.assign(told, headers);
    const contentType = first(headers["content-type"]);
    if (status < 200 || status > 299) {
      const location = first(headers["location"]);
      // Some repeat what they were shown.
      const masked = text.replaceAll(token, MASK);
      throw explainRefusal({ status, contentType, location, text: masked, doing, server: this.server });
    }
    return { json: this.#parse(text, contentType), link: first(headers["link"]) };
  }

  #parse(text: string, contentType: string | undefined): unknown {
    try {
      return JSON.parse(text);
    } catch {
      const form = /\bhtml\b/i.test(contentType ?? "") ? "a web page" : "something that is no JSON";
      throw noGitLab(this.server, `it answers with ${form}`);
    }
  }
}

async function textOf(body: AsyncIterable<Uint8Array>): Promise<string> {
  const chunks: Uint8Array[] = [];
  let length = 0;
  for await (const chunk of body) {
    length += chunk.length;
    if (length > MAX_ANSWER_BYTES) throw new GitLabError("GitLab's answer is too long", { isFinal: true });
    chunks.push(chunk);
  }
  return Buffer.concat(chunks).toString("utf8");
}

function first(value: string | string[] | undefined): string | undefined {
  return Array.isArray(value) ? value.join(", ") : value;
}
