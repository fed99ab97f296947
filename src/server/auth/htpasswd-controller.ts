import { LRUCache } from "lru-cache";
import type { HtpasswdAuthSettings } from "../../config/settings.ts";
import { ConfigError } from "../../errors.ts";
import { matchesHash } from "../../lib/bcrypt-password.ts";
import { nameForPeople } from "../../lib/htpasswd.ts";
import type { Logger } from "../../lib/logger.ts";
import { fileProblemOf } from "../../lib/system-error.ts";
import { WatchedFile } from "../../lib/watched-file.ts";
import { ApiError } from "../api-error.ts";
import type { Exchange } from "../exchange.ts";
import type { Access, AccessController, Identity } from "./access.ts";
import { type BasicCredentials, parseBasicCredentials } from "./basic-credentials.ts";
import { HtpasswdQueue } from "./htpasswd-queue.ts";
import { RememberedLogins } from "./htpasswd-remembered.ts";
import { type HtpasswdUsers, readHtpasswdUsers } from "./htpasswd-users.ts";
import { quotedForHeader } from "./quoted-header.ts";
import { SlowFailures } from "./slow-failures.ts";
import { clientKeyOf } from "./slow-failures-client.ts";
import { unauthorized } from "./unauthorized.ts";

/** Half of the threads that Node has for native work: the other half is for files. */
const PARALLEL_COMPARISONS = 2;
const WAITING_OF_CLIENT = 100;
const WAITING = 2_000;

const FORGET_MS = 15 * 60_000;
const MAX_KEYS = 20_000;
/** For one name from one client: after five wrong passwords 1 s, 2 s, 4 s and so on up to a minute. */
const OF_ONE_NAME = { free: 5, firstMs: 1_000, maxMs: 60_000, forgetMs: FORGET_MS, maxKeys: MAX_KEYS };
/** For all names from one client, which may be a proxy with many people behind it: so it is never slowed by more than this. */
const OF_ONE_CLIENT = { free: 20, firstMs: 500, maxMs: 1_000, forgetMs: FORGET_MS, maxKeys: MAX_KEYS };

/** Longer ones share what is counted of them: nobody has one. */
const MAX_NAME_BYTES = 255;

/** Who a request says it is from. */
interface Login {
  credentials: BasicCredentials;
  fingerprint: string;
  client: string;
}

/**
 * Lets in who has a name and a password of an htpasswd file, to do everything, as the Go registry's `auth.htpasswd`. The
 * file is read again when it changes.
 *
 * A comparison takes a core for 50 ms and more, so that right credentials are remembered while they are in use and the user's hash
 * stays the same, and comparisons of clients take turns. Wrong ones slow down their client, nobody else; who is
 * remembered is never slowed down.
 */
export class HtpasswdController implements AccessController {
  readonly #challenge: string;
  readonly #file: WatchedFile<HtpasswdUsers>;
  readonly #logger: Logger;
  readonly #remembered: RememberedLogins;
  readonly #ofOneName: SlowFailures;
  readonly #ofOneClient: SlowFailures;
  readonly #queue = new HtpasswdQueue({
    parallel: PARALLEL_COMPARISONS,
    waitingOfClient: WAITING_OF_CLIENT,
    waiting: WAITING,
  });
  /** Names that were right at a client: who guesses there with other names does not keep them waiting. */
  readonly #wasRight = new LRUCache<string, true>({ max: MAX_KEYS });
  /** By client and fingerprint: the layers of a pull are asked for at once, and one comparison does for all. */
  readonly #comparisons = new Map<string, Promise<boolean>>();

  /**
   * @param nowMs - a clock that only goes forward, for tests
   * @throws {ConfigError} if the file is missing or cannot be used
   */
  constructor(
    settings: HtpasswdAuthSettings,
    { logger, nowMs = () => performance.now() }: { logger: Logger; nowMs?: () => number },
  ) {
    const { path } = settings;
    this.#challenge = `Basic realm=${quotedForHeader(settings.realm)}`;
    this.#logger = logger;
    this.#remembered = new RememberedLogins(nowMs);
    this.#ofOneName = new SlowFailures({ ...OF_ONE_NAME, nowMs });
    this.#ofOneClient = new SlowFailures({ ...OF_ONE_CLIENT, nowMs });
    this.#file = new WatchedFile(path, (bytes) => readHtpasswdUsers(bytes, path, logger), {
      onProblem: (error) =>
        logger.error("auth.htpasswd: the file cannot be used, what it said before holds", { path, error }),
      nowMs,
    });
    readFirst(this.#file);
  }

  authorize(exchange: Exchange, needed: readonly Access[]): Identity | Promise<Identity> {
    const credentials = parseBasicCredentials(exchange.header("authorization"));
    if (credentials === undefined) throw unauthorized(this.#challenge, needed);
    const identity = { user: nameForPeople(credentials.name) };
    const fingerprint = this.#remembered.fingerprint(credentials);
    if (this.#remembered.has(fingerprint, this.#hashOf(credentials))) return identity;
    const client = clientKeyOf(exchange.clientAddress, exchange.header("x-forwarded-for"));
    return this.#compareOnce({ credentials, fingerprint, client }).then((isRight) => {
      if (isRight) return identity;
      throw unauthorized(this.#challenge, needed);
    });
  }

  #hashOf({ name }: BasicCredentials): string | undefined {
    return this.#file.current.hashes.get(name);
  }

  #compareOnce(login: Login): Promise<boolean> {
    const key = `${login.client} ${login.fingerprint}`;
    const running = this.#comparisons.get(key);
    if (running !== undefined) return running;
    // What is refused at once takes nobody's place in the queue.
    const waitMs = this.#waitMs(login);
    if (waitMs > 0) return Promise.reject(tooMany(waitMs));
    if (this.#queue.isFullFor(login.client)) return Promise.reject(tooMany(1_000));
    const comparison = this.#queue
      .run(login.client, () => this.#compare(login))
      .finally(() => this.#comparisons.delete(key));
    this.#comparisons.set(key, comparison);
    return comparison;
  }

  #waitMs(login: Login): number {
    const oneName = oneNameOf(login);
    const ofClient = this.#wasRight.has(oneName) ? 0 : this.#ofOneClient.waitMs(login.client);
    return Math.max(this.#ofOneName.waitMs(oneName), ofClient);
  }

  /** @throws {ApiError} TOOMANYREQUESTS if the client has to wait before it may try again */
  async #compare(login: Login): Promise<boolean> {
    const { credentials, fingerprint, client } = login;
    const { name, password } = credentials;
    const waitMs = this.#waitMs(login);
    if (waitMs > 0) throw tooMany(waitMs);
    const oneName = oneNameOf(login);
    const ofClientMs = this.#ofOneClient.waitMs(client);
    const hash = this.#hashOf(credentials);
    const isSame = await matchesHash(password, hash ?? this.#file.current.dummyHash);
    if (isSame && hash !== undefined) {
      this.#ofOneName.forgive(oneName);
      this.#wasRight.set(oneName, true);
      this.#remembered.add(fingerprint, hash);
      return true;
    }
    this.#ofOneName.failed(oneName);
    this.#ofOneClient.failed(client);
    const user = nameForPeople(name.slice(0, MAX_NAME_BYTES));
    this.#logger.warn("auth.htpasswd: login failed", { user, client });
    // As for a name that was never right here, so that the answer does not tell which were.
    if (ofClientMs > 0) throw tooMany(ofClientMs);
    return false;
  }
}

/** @throws {ConfigError} if the file cannot be read */
function readFirst(file: WatchedFile<HtpasswdUsers>): void {
  try {
    void file.current;
  } catch (error) {
    if (error instanceof ConfigError) throw error;
    throw new ConfigError(`auth.htpasswd: ${file.path} cannot be read: ${fileProblemOf(error)}`, {
      cause: error,
      hint: 'see that the registry\'s user may read it, or make one: "registry-ctl users add"',
    });
  }
}

function oneNameOf({ credentials: { name }, client }: Login): string {
  return `${client} ${name.slice(0, MAX_NAME_BYTES)}`;
}

function tooMany(waitMs: number): ApiError {
  const seconds = Math.ceil(waitMs / 1_000);
  return new ApiError("TOOMANYREQUESTS", {
    headers: { "Retry-After": String(seconds) },
    detail: { reason: `too many wrong passwords, or too many logins at once: try again in ${seconds} s` },
  });
}
