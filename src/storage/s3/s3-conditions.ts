import { randomUUID } from "node:crypto";
import { S3RequestError } from "./s3-lane.ts";
import { putObject, removeObject } from "./s3-put.ts";
import { headObject } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";

const TRIAL = Buffer.from("may be removed\n");
/** Beside lock files, where no listing of a registry looks: a trial that is cut off leaves its object there. */
const TRIALS = "/docker/registry/lockfiles/registry-ctl.trial-";
/** Of no object: mostly there is an MD5 in it. */
const STRANGE_ETAG = '"00000000000000000000000000000000"';

/** Writes an ETag, which has its quotes, as `If-Match` of a PUT wants it. */
export type EtagForm = (etag: string) => string;

/** As HTTP has it, and as Ceph takes it: the other is refused there whatever lies in the store. */
const FORMS: readonly EtagForm[] = [(etag) => etag, (etag) => etag.slice(1, -1)];

/**
 * Whether a store keeps to conditions of a PUT. A store that does not know such a header overwrites, so each is tried
 * out once, on an object of its own.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export class PutConditions {
  readonly #store: S3Store;
  #creating: Promise<boolean> | undefined;
  #replacing: Promise<EtagForm | undefined> | undefined;

  constructor(store: S3Store) {
    this.#store = store;
  }

  /** Whether `If-None-Match: *` is kept to. */
  canCreate(): Promise<boolean> {
    // Amazon itself does.
    if (this.#isAmazon) return Promise.resolve(true);
    this.#creating ??= this.#try((trial) => this.#isRefused(trial, { "if-none-match": "*" }));
    this.#creating.catch(() => {
      this.#creating = undefined;
    });
    return this.#creating;
  }

  /** @returns undefined if `If-Match` is not kept to */
  replacingForm(): Promise<EtagForm | undefined> {
    if (this.#isAmazon) return Promise.resolve(FORMS[0]);
    this.#replacing ??= this.#try((trial) => this.#findForm(trial));
    this.#replacing.catch(() => {
      this.#replacing = undefined;
    });
    return this.#replacing;
  }

  get #isAmazon(): boolean {
    return this.#store.settings.endpoint === "";
  }

  async #findForm(trial: string): Promise<EtagForm | undefined> {
    const etag = (await headObject(this.#store, trial))?.etag ?? "";
    if (!etag.startsWith('"')) return undefined;
    for (const form of FORMS) {
      if (await this.#isRefused(trial, { "if-match": form(etag) })) continue;
      return (await this.#isRefused(trial, { "if-match": form(STRANGE_ETAG) })) ? form : undefined;
    }
    return undefined;
  }

  async #try<Result>(look: (trial: string) => Promise<Result>): Promise<Result> {
    const trial = `${TRIALS}${randomUUID()}`;
    try {
      await putObject(this.#store, trial, TRIAL);
      return await look(trial);
    } finally {
      await removeObject(this.#store, trial);
    }
  }

  async #isRefused(trial: string, headers: Readonly<Record<string, string>>): Promise<boolean> {
    try {
      await putObject(this.#store, trial, TRIAL, { headers });
      return false;
    } catch (error) {
      if (isRefusedCondition(error)) return true;
      if (error instanceof S3RequestError && error.status === 501) return false;
      throw error;
    }
  }
}

/** What lies there is not what the condition says (412), or is just being written or removed (409). */
export function isRefusedCondition(error: unknown): boolean {
  return error instanceof S3RequestError && (error.status === 412 || error.status === 409);
}
