import type { FileBefore } from "../object-store-abilities.ts";
import { callS3, isMissingObject } from "./s3-call.ts";
import { type EtagForm, isRefusedCondition, type PutConditions } from "./s3-conditions.ts";
import { S3RequestError } from "./s3-lane.ts";
import { putObject } from "./s3-put.ts";
import { headObject } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";

/** So often it is looked again at what lies there, if somebody else has changed it meanwhile. */
const MAX_TRIES = 10;
/** Of what is longer, no more is told: it is nothing that we have written. */
const MAX_BEFORE_BYTES = 1024;

/** What is to be written, and who is told of attempts without an answer: what such a one may still replace. */
export interface PutOver {
  path: string;
  content: Uint8Array;
  /** @param over - left out: whatever lies there */
  onUndecided: (over?: FileBefore) => void;
}

interface Before {
  content: FileBefore;
  condition: Readonly<Record<string, string>>;
}

/**
 * Writes an object on the condition that there lies what was there a moment ago. To a store that does not keep to that,
 * or whose ETags do not tell it, without a condition.
 */
export function putOver(store: S3Store, conditions: PutConditions, wanted: PutOver): Promise<void> {
  const { path, content, onUndecided } = wanted;
  return callS3(store, "write", path, async () => {
    const form = await formOf(conditions);
    if (form !== undefined) {
      for (let tries = 0; tries < MAX_TRIES; tries++) {
        const before = await look(store, path, form);
        if (before === undefined) break;
        if (await putOnto(store, before, wanted)) return;
      }
    }
    await putObject(store, path, content, { onUnanswered: () => onUndecided() });
  });
}

/** @returns false if something else lies there by now */
async function putOnto(
  store: S3Store,
  before: Before,
  { path, content, onUndecided }: PutOver,
): Promise<boolean> {
  // What replaces only its like changes nothing, whenever it comes.
  const isSame = before.content !== "nothing" && Buffer.compare(before.content, content) === 0;
  const onUnanswered = isSame ? undefined : (): void => onUndecided(before.content);
  try {
    await putObject(store, path, content, { headers: before.condition, onUnanswered });
    return true;
  } catch (error) {
    if (isRefusedCondition(error) || isMissingObject(error)) return false;
    throw error;
  }
}

/** Failing to find out is no failure of a write that can do without. */
async function formOf(conditions: PutConditions): Promise<EtagForm | undefined> {
  try {
    return (await conditions.canCreate()) ? await conditions.replacingForm() : undefined;
  } catch {
    return undefined;
  }
}

/** @returns undefined if the store does not say by what it can be known again */
async function look(store: S3Store, path: string, form: EtagForm): Promise<Before | undefined> {
  try {
    const headers = { range: `bytes=0-${MAX_BEFORE_BYTES - 1}` };
    const answer = await store.lane.send({ method: "GET", key: store.keyOf(path), headers });
    return beforeOf(answer.body, answer.headers["etag"], form);
  } catch (error) {
    if (isMissingObject(error)) return { content: "nothing", condition: { "if-none-match": "*" } };
    // A range that begins at 0 is refused only if there is not one byte.
    if (!(error instanceof S3RequestError && error.status === 416)) throw error;
    return beforeOf(new Uint8Array(), (await headObject(store, path))?.etag, form);
  }
}

function beforeOf(content: Uint8Array, etag: string | undefined, form: EtagForm): Before | undefined {
  // A weak one, as a proxy makes them, matches nothing.
  if (etag === undefined || !etag.startsWith('"')) return undefined;
  return { content, condition: { "if-match": form(etag) } };
}
