import type { IncomingMessage } from "node:http";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1_SIGNED,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../oci/media-types.ts";
import { parseChallenge } from "./challenge.ts";
import type { Credentials } from "./credentials.ts";
import { type GetOptions, httpGet } from "./http-get.ts";
import { RegistryAnswerError } from "./registry-errors.ts";
import { RegistryTokens } from "./registry-tokens.ts";

const ATTEMPTS = 5;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
const ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_MANIFEST_LIST, DOCKER_MANIFEST, DOCKER_SCHEMA1_SIGNED].join(
  ", ",
);

/** Something that a registry may have. */
export interface RegistryContent {
  repository: string;
  digest: Digest;
  isManifest: boolean;
}

/** What a registry sends. */
export interface RegistryBody {
  /** To be read to its end, or destroyed. */
  stream: IncomingMessage;
  /** As the answer says; undefined if it does not. */
  sizeBytes: number | undefined;
}

/** How to ask a registry. */
export interface RegistryReaderOptions {
  /** What `parseAddress` gives. */
  address: URL;
  credentials: Credentials | undefined;
  /** Before the second attempt; each later one waits twice as long. For tests. */
  firstWaitMs?: number;
}

/** Reads blobs and manifests of a registry over its HTTP API, by digest. What passes is tried again. */
export class RegistryReader {
  readonly #address: URL;
  readonly #tokens: RegistryTokens;
  readonly #firstWaitMs: number;
  /** What was good last time, by repository. */
  readonly #authorization = new Map<string, string>();

  constructor({ address, credentials, firstWaitMs = FIRST_WAIT_MS }: RegistryReaderOptions) {
    this.#address = address;
    this.#tokens = new RegistryTokens(address, credentials);
    this.#firstWaitMs = firstWaitMs;
  }

  /** For people: the address without anything secret. */
  get name(): string {
    return this.#address.href.replace(/\/$/, "");
  }

  /**
   * @returns how large something is, as far as the answer says; undefined if the registry does not have it
   * @throws {RegistryAnswerError}
   * @throws {CancelledError}
   */
  async lookFor(
    content: RegistryContent,
    signal: AbortSignal | undefined,
  ): Promise<{ sizeBytes: number | undefined } | undefined> {
    const answer = await this.#ask("HEAD", content, signal);
    answer?.resume();
    return answer && { sizeBytes: sizeIn(answer) };
  }

  /**
   * @returns the bytes; undefined if the registry does not have them
   * @throws {RegistryAnswerError}
   * @throws {CancelledError}
   */
  async open(content: RegistryContent, signal: AbortSignal | undefined): Promise<RegistryBody | undefined> {
    const stream = await this.#ask("GET", content, signal);
    return stream && { stream, sizeBytes: sizeIn(stream) };
  }

  async #ask(
    method: "GET" | "HEAD",
    content: RegistryContent,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage | undefined> {
    for (let attempt = 1; ; attempt++) {
      try {
        return await this.#askOnce(method, content, signal);
      } catch (error) {
        if (error instanceof CancelledError || signal?.aborted) throw new CancelledError();
        const failure =
          error instanceof RegistryAnswerError
            ? error
            : new RegistryAnswerError(`${this.name} does not answer: ${messageOf(error)}`, {
                cause: error,
                isPassing: true,
              });
        if (!failure.isPassing || attempt === ATTEMPTS) throw failure;
        const waitMs = Math.min(this.#firstWaitMs * 2 ** (attempt - 1), MAX_WAIT_MS);
        await sleep(waitMs, undefined, signal ? { signal } : {}).catch(() => undefined);
      }
    }
  }

  async #askOnce(
    method: "GET" | "HEAD",
    { repository, digest, isManifest }: RegistryContent,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage | undefined> {
    const address = new URL(
      `v2/${repository}/${isManifest ? "manifests" : "blobs"}/${digest}`,
      this.#address,
    );
    const options: GetOptions = { method, headers: isManifest ? { accept: ACCEPT } : {}, signal };
    const authorization = this.#authorization.get(repository) ?? this.#tokens.known;
    let answer = await httpGet(address, { ...options, authorization });
    if (answer.statusCode === 401) {
      answer.resume();
      const challenge = parseChallenge(answer.headers["www-authenticate"]);
      const scope = `repository:${repository}:pull`;
      const fresh = challenge && (await this.#tokens.answer(challenge, scope, signal));
      if (fresh === undefined) throw this.#denied(repository, 401);
      this.#authorization.set(repository, fresh);
      answer = await httpGet(address, { ...options, authorization: fresh });
    }
    return this.#judge(answer, repository);
  }

  #judge(answer: IncomingMessage, repository: string): IncomingMessage | undefined {
    const status = answer.statusCode ?? 0;
    if (status === 200) return answer;
    answer.resume();
    if (status === 404) return undefined;
    if (status === 401 || status === 403) throw this.#denied(repository, status);
    throw new RegistryAnswerError(`${this.name} answers ${status}`, {
      isPassing: status === 429 || status >= 500,
    });
  }

  #denied(repository: string, status: number): RegistryAnswerError {
    return new RegistryAnswerError(`${this.name} does not let us pull from ${repository} (${status})`, {
      hint: "name credentials that may pull from it, with --auth-file or in the environment",
    });
  }
}

function sizeIn({ headers }: IncomingMessage): number | undefined {
  const text = headers["content-length"];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}
