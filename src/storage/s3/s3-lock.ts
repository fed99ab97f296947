import { randomUUID } from "node:crypto";
import { setTimeout } from "node:timers/promises";
import { StorageUnavailableError } from "../../errors.ts";
import { callS3 } from "./s3-call.ts";
import { isRefusedCondition, type PutConditions } from "./s3-conditions.ts";
import { listPages } from "./s3-listing.ts";
import { putObject, removeObject } from "./s3-put.ts";
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
 * Creates objects only if there are none. S3 and most stores do that by themselves (`If-None-Match: *`). On others the
 * claims of all that want the object decide: each one writes a claim, looks whether it is alone, and only then writes.
 * That needs listings that show at once what was written.
 */
export class ExclusiveObjects {
  readonly #store: S3Store;
  readonly #conditions: PutConditions;

  constructor(store: S3Store, conditions: PutConditions) {
    this.#store = store;
    this.#conditions = conditions;
  }

  /** @returns false, with nothing changed, if there is an object */
  putIfAbsent(path: string, content: Uint8Array): Promise<boolean> {
    return callS3(this.#store, "create", path, async () => {
      const isHonoured = await this.#conditions.canCreate();
      if (isHonoured) return this.#putConditionally(path, content);
      return this.#putAlone(path, content);
    });
  }

  async #putConditionally(path: string, content: Uint8Array): Promise<boolean> {
    const token = randomUUID();
    for (let conflicts = 0; ; conflicts++) {
      try {
        await putObject(this.#store, path, content, {
          headers: { "if-none-match": "*", [TOKEN_HEADER]: token },
        });
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
      await putObject(this.#store, claim, Buffer.from("may be removed\n"));
      try {
        const isAlone = await this.#isOnlyClaim(claims, claim);
        // Looked for behind the listing: who has gone from there may have written.
        if ((await headObject(this.#store, path)) !== undefined) return false;
        if (isAlone && performance.now() - claimedMs < DECISION_MS) {
          await putObject(this.#store, path, content);
          return true;
        }
      } finally {
        await removeObject(this.#store, claim);
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
        else await removeObject(this.#store, `${claims}/${key.slice(prefix.length)}`);
      }
    }
    return isAlone;
  }
}

async function pause(): Promise<void> {
  await setTimeout(Math.random() * MAX_PAUSE_MS);
}
