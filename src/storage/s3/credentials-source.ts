import type { S3Client } from "@aws-sdk/client-s3";
import type { S3StorageSettings } from "../../config/settings.ts";
import { describeSource } from "./credentials-origin.ts";
import type { SigningCredentials } from "./sigv4.ts";

/** The SDK renews what is good for less than this, so it must be asked by then. */
const RENEW_BEFORE_MS = 5 * 60_000;
/** A key that was renewed after a refusal is not renewed again for this long: then the refusal had another reason. */
const RENEW_AGAIN_MS = 60_000;

/**
 * What requests are signed with: the keys of the configuration, or what the SDK's default chain finds, which it is asked
 * for again before it expires.
 */
export class CredentialsSource {
  readonly #settings: S3StorageSettings;
  readonly #sdk: () => Promise<S3Client>;
  #current: SigningCredentials | undefined;
  #askAgainMs = Number.POSITIVE_INFINITY;
  #renewedMs = Number.NEGATIVE_INFINITY;
  #loading: Promise<SigningCredentials> | undefined;
  #origin: string;

  constructor(settings: S3StorageSettings, sdk: () => Promise<S3Client>) {
    this.#settings = settings;
    this.#sdk = sdk;
    const { credentials, driver } = settings;
    this.#origin = "";
    if (credentials !== undefined) {
      const { accessKey, secretKey, sessionToken } = credentials;
      this.#current = { accessKeyId: accessKey, secretAccessKey: secretKey, sessionToken };
      this.#origin = `storage.${driver}.accesskey of the configuration`;
    }
  }

  /** Which key is used, and where it comes from, for people; empty if none has been found yet. */
  get description(): string {
    return this.#current === undefined ? "" : `key ${this.#current.accessKeyId} from ${this.#origin}`;
  }

  /** Tells whether the configuration has the keys. */
  get isConfigured(): boolean {
    return this.#settings.credentials !== undefined;
  }

  /** @returns the key to sign with; undefined if it must be loaded first */
  current(nowMs: number): SigningCredentials | undefined {
    return nowMs < this.#askAgainMs ? this.#current : undefined;
  }

  /** Asks the SDK for the key. Its errors are thrown as they are. */
  load(nowMs: number): Promise<SigningCredentials> {
    this.#loading ??= this.#ask(nowMs, false).finally(() => {
      this.#loading = undefined;
    });
    return this.#loading;
  }

  /**
   * Asks for another key after a refusal.
   *
   * @param used - the key that was refused
   * @returns false if there is no other
   */
  async renew(used: SigningCredentials | undefined, nowMs: number): Promise<boolean> {
    if (this.isConfigured) return false;
    if (this.#loading !== undefined) await this.#loading;
    else if (this.#current === used && nowMs - this.#renewedMs >= RENEW_AGAIN_MS) {
      this.#renewedMs = nowMs;
      this.#loading = this.#ask(nowMs, true).finally(() => {
        this.#loading = undefined;
      });
      await this.#loading;
    }
    return this.#current !== used;
  }

  /** As {@link CredentialsSource.renew}, where it is not known which key was refused. */
  renewAny(nowMs: number): Promise<boolean> {
    const wasRenewed = nowMs - this.#renewedMs < RENEW_AGAIN_MS;
    return wasRenewed ? Promise.resolve(true) : this.renew(this.#current, nowMs);
  }

  async #ask(nowMs: number, forceRefresh: boolean): Promise<SigningCredentials> {
    const client = await this.#sdk();
    const identity = await client.config.credentials({ forceRefresh });
    const { accessKeyId, secretAccessKey, sessionToken, expiration } = identity;
    const expiresMs = expiration?.getTime() ?? Number.POSITIVE_INFINITY;
    this.#askAgainMs = Math.max(expiresMs - RENEW_BEFORE_MS, nowMs + 1000);
    this.#origin = describeSource("$source" in identity ? identity.$source : undefined);
    const loaded = { accessKeyId, secretAccessKey, sessionToken };
    // The same object stands for the same key.
    if (this.#current === undefined || isOther(this.#current, loaded)) this.#current = loaded;
    return this.#current;
  }
}

function isOther(one: SigningCredentials, other: SigningCredentials): boolean {
  return (
    one.accessKeyId !== other.accessKeyId ||
    one.secretAccessKey !== other.secretAccessKey ||
    one.sessionToken !== other.sessionToken
  );
}
