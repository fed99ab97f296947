import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { StorageUnavailableError } from "../../errors.ts";
import { callS3, isMissingObject } from "./s3-call.ts";
import { S3RequestError } from "./s3-lane.ts";
import { listPages } from "./s3-listing.ts";
import { headObject } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";

/** Tells our own object from another when it is not known whether a PUT had its effect. */
const TOKEN_HEADER = "x-amz-meta-registry-ctl-token";
/** So often a conditional PUT is tried again that collided with another. */
const MAX_CONFLICTS = 20;
/** So often somebody steps back who met others. */
const MAX_TRIES = 60;
const MAX_PAUSE_MS = 150;
/** Whoever claimed has long written, or given up: claims are not older, but for those of dead processes. */
const CLAIM_MS = 60_000;
/** Between the claim and the write no more time may pass. */
const DECISION_MS = 20_000;

/**
 * Creates objects only if there are none. S3 and most stores do that by themselves (`If-None-Match: *`); whether this one
 * does is tried out on an object of its own at the first call, since a store that does not know the header overwrites.
 * There the claims of all that want the object decide: each one writes a claim, looks whether it is alone, and only then
 * writes. That needs listings that show at once what was written.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html
 */
export class ExclusiveObjects {
  readonly #store: S3Store;
  #isHonoured: Promise<boolean> | undefined;

  constructor(store: S3Store) {
    this.#store = store;
  }

  /** @returns false, with nothing changed, if there is an object */
  putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    return callS3(this.#store, "create", path, async () => {
      if (await this.#canCondition(path)) return this.#putConditionally(path, content);
      return this.#putAlone(path, content);
    });
  }

  #canCondition(path: string): Promise<boolean> {
    // Amazon itself does.
    if (this.#store.settings.endpoint === "") return Promise.resolve(true);
    this.#isHonoured ??= this.#tryOut(`${path}.trial-${randomUUID()}`);
    this.#isHonoured.catch(() => {
      this.#isHonoured = undefined;
    });
    return this.#isHonoured;
  }

  async #tryOut(path: string): Promise<boolean> {
    const content = Buffer.from("may be removed\n");
    try {
      await this.#put(path, content);
      await this.#put(path, content, { "if-none-match": "*" });
      return false;
    } catch (error) {
      if (isRefusedCondition(error)) return true;
      if (error instanceof S3RequestError && error.status === 501) return false;
      throw error;
    } finally {
      await this.#delete(path);
    }
  }

  async #putConditionally(path: string, content: Uint8Array): Promise<boolean> {
    const token = randomUUID();
    for (let conflicts = 0; ; conflicts++) {
      try {
        await this.#put(path, content, { "if-none-match": "*", [TOKEN_HEADER]: token });
        return true;
      } catch (error) {
        if (!isRefusedCondition(error)) throw error;
        const head = await headObject(this.#store, path);
        // Ours, if the answer to an earlier attempt was lost.
        if (head !== undefined) return head.headers[TOKEN_HEADER] === token;
        if (conflicts === MAX_CONFLICTS) throw error;
      }
      await pause();
    }
  }

  async #putAlone(path: string, content: Uint8Array): Promise<boolean> {
    const claims = `${path}.claims`;
    const claim = `${claims}/${randomUUID()}`;
    for (let tries = 0; tries < MAX_TRIES; tries++) {
      if ((await headObject(this.#store, path)) !== undefined) return false;
      const claimedMs = performance.now();
      await this.#put(claim, Buffer.from("may be removed\n"));
      try {
        const isAlone = await this.#isOnlyClaim(claims, claim);
        // Looked for behind the listing: who has gone from there may have written.
        if ((await headObject(this.#store, path)) !== undefined) return false;
        if (isAlone && performance.now() - claimedMs < DECISION_MS) {
          await this.#put(path, content);
          return true;
        }
      } finally {
        await this.#delete(claim);
      }
      await pause();
    }
    throw new StorageUnavailableError(`s3: cannot create ${path}: somebody else keeps trying to`, {
      hint: "wait a minute, then run it again",
    });
  }

  /** Removes claims of dead processes on its way. */
  async #isOnlyClaim(claims: string, claim: string): Promise<boolean> {
    const prefix = `${this.#store.keyOf(claims)}/`;
    const own = this.#store.keyOf(claim);
    let isAlone = true;
    for await (const page of listPages(this.#store, { prefix })) {
      for (const { key, modifiedMs } of page.objects) {
        if (key === own) continue;
        if (page.dateMs - modifiedMs <= CLAIM_MS) isAlone = false;
        else await this.#delete(`${claims}/${key.slice(prefix.length)}`);
      }
    }
    return isAlone;
  }

  async #put(path: string, body: Uint8Array, headers: Readonly<Record<string, string>> = {}): Promise<void> {
    const key = this.#store.keyOf(path);
    await this.#store.lane.send({
      method: "PUT",
      key,
      headers: { "content-type": "application/octet-stream", ...this.#store.objectHeaders, ...headers },
      body,
    });
  }

  async #delete(path: string): Promise<void> {
    try {
      await this.#store.lane.send({ method: "DELETE", key: this.#store.keyOf(path) });
    } catch (error) {
      if (!isMissingObject(error)) throw error;
    }
  }
}

/** There is an object (412), or another one is just being written or removed (409). */
function isRefusedCondition(error: unknown): boolean {
  return error instanceof S3RequestError && (error.status === 412 || error.status === 409);
}

async function pause(): Promise<void> {
  await setTimeout(Math.random() * MAX_PAUSE_MS);
}
