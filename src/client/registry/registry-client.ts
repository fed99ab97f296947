import { performance } from "node:perf_hooks";
import { setTimeout as sleep } from "node:timers/promises";
import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import { parseChallenge } from "./challenge.ts";
import { type Credentials, parseScope } from "./credentials.ts";
import { type Connections, type HttpAnswer, openConnections, sendRequest } from "./http-request.ts";
import { isPassingStatus, RegistryAnswerError } from "./registry-errors.ts";
import { RegistryTokens } from "./registry-tokens.ts";
import { retryAfterOf } from "./retry-after.ts";

const ATTEMPTS = 6;
const FIRST_WAIT_MS = 500;
const MAX_WAIT_MS = 30_000;
/** Whoever is asked to come more slowly (429) keeps coming for so long: many requests at a time share what is let through. */
const PATIENCE_MS = 10 * 60_000;
/** A token may end between its check by us and by the registry, and once more under load. */
const MAX_TOKENS = 3;
/** The certificate is not one that we trust, or not one for this name: it will not be next time either. */
const UNTRUSTED = /^(?:ERR_TLS_|CERT_|UNABLE_TO_|DEPTH_ZERO_|SELF_SIGNED_|ERR_SSL_)/;

/** How to ask a registry. */
export interface RegistryClientOptions {
  /** What `parseAddress` gives. */
  address: URL;
  credentials: Credentials | undefined;
  /** Certificates in PEM form that count beside those that everybody trusts. */
  ca?: string | Uint8Array | undefined;
  /** Before the second attempt; each later one waits twice as long. For tests. */
  firstWaitMs?: number;
}

/** A request to a registry. */
export interface RegistryRequest {
  method: "GET" | "HEAD" | "DELETE" | "OPTIONS";
  /** Below the address, such as `v2/_catalog`. */
  path: string;
  /** What a token must allow, such as `repository:a/b:pull`. */
  scope: string;
  headers?: Readonly<Record<string, string>>;
  signal?: AbortSignal | undefined;
  /** Once sent, its answer is waited for, whatever the signal says: so that it is known what became of it. */
  isChange?: boolean;
}

/** What a registry answers. */
export interface RegistryReply {
  /** Its body must be read or destroyed. */
  message: HttpAnswer["message"];
  status: number;
  /** An attempt before this one may have come as far as the registry without its answer coming back. */
  isRepeated: boolean;
}

/**
 * Speaks a registry's HTTP API: shows credentials, renews tokens, and tries again what passes, after a growing wait or after the one
 * that the registry asks for.
 */
export class RegistryClient {
  readonly #address: URL;
  readonly #connections: Connections;
  readonly #tokens: RegistryTokens;
  readonly #firstWaitMs: number;
  /** Until then the registry wants to be left alone by all requests. */
  #quietUntilMs = 0;

  constructor({ address, credentials, ca, firstWaitMs = FIRST_WAIT_MS }: RegistryClientOptions) {
    this.#address = address;
    this.#connections = openConnections(ca);
    this.#tokens = new RegistryTokens({ address, credentials, connections: this.#connections, nowMs });
    this.#firstWaitMs = firstWaitMs;
  }

  /** What requests go to; its path ends in `/`. */
  get address(): URL {
    return this.#address;
  }

  /** For people: the address without anything secret. */
  get name(): string {
    return this.#address.href.replace(/\/$/, "");
  }

  /**
   * @returns any answer but those that tell of refused access (401, 403) or pass (429, 5xx)
   * @throws {RegistryAnswerError}
   * @throws {CancelledError}
   */
  async send(request: RegistryRequest): Promise<RegistryReply> {
    const { signal } = request;
    const givesUpMs = nowMs() + PATIENCE_MS;
    for (let attempt = 1; ; attempt++) {
      try {
        await this.#waitUntilQuiet(signal);
        const message = await this.#sendAuthorised(request);
        return { message, status: message.statusCode ?? 0, isRepeated: attempt > 1 };
      } catch (error) {
        if (error instanceof CancelledError || signal?.aborted) throw new CancelledError();
        const failure = error instanceof RegistryAnswerError ? error : this.#noAnswer(error);
        const isOver = failure.status === 429 ? nowMs() > givesUpMs : attempt >= ATTEMPTS;
        if (!failure.isPassing || isOver) throw failure;
        const { retryAfterMs = 0 } = failure;
        if (retryAfterMs > 0) this.#quietUntilMs = Math.max(this.#quietUntilMs, nowMs() + retryAfterMs);
        else await pause(Math.min(this.#firstWaitMs * 2 ** (attempt - 1), MAX_WAIT_MS), signal);
      }
    }
  }

  async #waitUntilQuiet(signal: AbortSignal | undefined): Promise<void> {
    for (let left = this.#quietUntilMs - nowMs(); left > 0; left = this.#quietUntilMs - nowMs()) {
      await pause(left, signal);
      if (signal?.aborted) throw new CancelledError();
    }
  }

  async #sendAuthorised(request: RegistryRequest): Promise<HttpAnswer["message"]> {
    const { method, path, scope, headers, signal, isChange } = request;
    const address = new URL(path, this.#address);
    let authorization = await this.#tokens.header(scope, signal);
    for (let tokens = 0; ; tokens++) {
      const { message, isOwn } = await sendRequest(address, {
        ...{ connections: this.#connections, method, authorization },
        signal: isChange ? undefined : signal,
        ...(headers ? { headers } : {}),
      });
      const status = message.statusCode ?? 0;
      if (status !== 401 && status !== 403 && !isPassingStatus(status)) return message;
      message.resume();
      if (isPassingStatus(status)) {
        const retryAfterMs = retryAfterOf(message.headers, Date.now());
        throw new RegistryAnswerError(`${this.name} answers ${status}`, {
          isPassing: true,
          ...{ status, retryAfterMs },
        });
      }
      // What another host asks for, to which we were redirected, is not answered.
      const challenge =
        status === 401 && isOwn && tokens < MAX_TOKENS
          ? parseChallenge(message.headers["www-authenticate"])
          : undefined;
      const fresh =
        challenge && (await this.#tokens.answer(challenge, scope, { refused: authorization, signal }));
      if (fresh === undefined) throw this.#denied(scope, status);
      authorization = fresh;
    }
  }

  #noAnswer(cause: unknown): RegistryAnswerError {
    const isFinal = UNTRUSTED.test(errorCodeOf(cause)) || errorCodeOf(cause) === "ENOTFOUND";
    return new RegistryAnswerError(`${this.name} does not answer: ${messageOf(cause)}`, {
      cause,
      isPassing: !isFinal,
      hint: UNTRUSTED.test(errorCodeOf(cause))
        ? "name the certificate of its authority with --ca, if it has one of its own"
        : undefined,
    });
  }

  #denied(scope: string, status: number): RegistryAnswerError {
    return new RegistryAnswerError(`${this.name} does not let us ${deedOf(scope)} (${status})`, {
      status,
      hint: "name credentials that may, with --auth-file or in the environment: see registry-ctl(1)",
    });
  }
}

function deedOf(scope: string): string {
  const { type, name = "", actions = [] } = parseScope(scope) ?? {};
  if (type !== "repository") return "list its repositories";
  return actions.includes("delete") ? `delete from ${name}` : `pull from ${name}`;
}

function nowMs(): number {
  return performance.now();
}

async function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  await sleep(ms, undefined, signal ? { signal } : {}).catch(() => undefined);
}
