import { setTimeout } from "node:timers/promises";
import { PathNotFoundError } from "../../errors.ts";
import { forEachConcurrently } from "../../lib/for-each-concurrently.ts";
import { checkPath } from "../check-path.ts";
import { callS3 } from "./s3-call.ts";
import { S3RequestError } from "./s3-lane.ts";
import { headObject } from "./s3-reads.ts";
import type { S3Store } from "./s3-store.ts";
import { escapeXml } from "./xml/escape-xml.ts";
import { type DeleteFailure, readDeleteResult } from "./xml/read-delete-result.ts";

/** @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_DeleteObjects.html */
const BATCH_KEYS = 1000;
const BATCHES_IN_FLIGHT = 4;
/** Where every key takes a request. */
const SINGLES_IN_FLIGHT = 16;
/** Keys that fail by themselves, for a reason that may pass, are tried so often. */
const ATTEMPTS = 5;
const FIRST_PAUSE_MS = 100;
/** What a key of a bulk delete may fail with and be removed a moment later. */
const PASSING_CODES = new Set([
  "InternalError",
  "SlowDown",
  "ServiceUnavailable",
  "RequestTimeout",
  "OperationAborted",
]);
/** Those of them that do not say that nothing will come of it. */
const UNSURE_CODES = new Set(["InternalError", "RequestTimeout"]);
/** What a store answers that has no bulk delete. */
const UNKNOWN_CODES = new Set(["NotImplemented", "MethodNotAllowed"]);
/** What XML cannot say. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: those are what is looked for
const UNSPEAKABLE = /[\u0000-\u001f\ufffe\uffff]/;

/** A file that could not be removed. */
export interface FailedDelete {
  path: string;
  error: unknown;
}

/**
 * Removes one object.
 *
 * @param onUnanswered - called after each attempt that the store may still carry out, be it after a later one
 * @throws {PathNotFoundError} if there is none: S3 itself would not tell
 */
export async function deleteObject(store: S3Store, path: string, onUnanswered?: () => void): Promise<void> {
  if ((await headObject(store, path)) === undefined) throw new PathNotFoundError("s3", path);
  await sendDelete(store, path, onUnanswered);
}

/**
 * @param onUndecided - see `BulkDelete`
 * @returns why what could not be removed was not; a file that is gone is a success
 */
export async function deleteObjects(
  store: S3Store,
  paths: readonly string[],
  onUndecided: Undecided = () => undefined,
): Promise<FailedDelete[]> {
  const failed: FailedDelete[] = [];
  const plain: string[] = [];
  const others: string[] = [];
  for (const path of new Set(paths)) (UNSPEAKABLE.test(checkPath(path)) ? others : plain).push(path);
  const batches = Array.from({ length: Math.ceil(plain.length / BATCH_KEYS) }, (_, index) =>
    plain.slice(index * BATCH_KEYS, (index + 1) * BATCH_KEYS),
  );
  await forEachConcurrently(batches, BATCHES_IN_FLIGHT, async (batch) => {
    failed.push(...(await deleteBatch(store, batch, onUndecided)));
  });
  failed.push(...(await deleteSingly(store, others, onUndecided)));
  return failed;
}

type Undecided = (path: string) => void;

async function deleteBatch(
  store: S3Store,
  paths: readonly string[],
  onUndecided: Undecided,
): Promise<FailedDelete[]> {
  const failed: FailedDelete[] = [];
  let left = paths;
  for (let attempt = 1; left.length > 0; attempt++) {
    let failures: DeleteFailure[];
    try {
      failures = await sendBatch(store, left, onUndecided);
    } catch (error) {
      if (error instanceof S3RequestError && (error.status === 501 || UNKNOWN_CODES.has(error.code)))
        return [...failed, ...(await deleteSingly(store, left, onUndecided))];
      return [...failed, ...left.map((path) => ({ path, error: store.translate(error, "delete", path) }))];
    }
    const again: string[] = [];
    for (const failure of failures) {
      const path = store.pathOf(failure.key) ?? failure.key;
      if (failure.code === "NoSuchKey") continue;
      if (UNSURE_CODES.has(failure.code)) onUndecided(path);
      if (PASSING_CODES.has(failure.code) && attempt < ATTEMPTS) again.push(path);
      else failed.push({ path, error: store.translate(requestError(failure), "delete", path) });
    }
    left = again;
    if (left.length > 0) await setTimeout(FIRST_PAUSE_MS * 2 ** (attempt - 1) * (0.5 + Math.random() / 2));
  }
  return failed;
}

async function sendBatch(
  store: S3Store,
  paths: readonly string[],
  onUndecided: Undecided,
): Promise<DeleteFailure[]> {
  const objects = paths.map((path) => `<Object><Key>${escapeXml(store.keyOf(path))}</Key></Object>`).join("");
  const body = Buffer.from(
    `<?xml version="1.0" encoding="UTF-8"?>\n<Delete xmlns="http://s3.amazonaws.com/doc/2006-03-01/"><Quiet>true</Quiet>${objects}</Delete>`,
  );
  const answer = await store.lane.send({
    method: "POST",
    query: { delete: "" },
    headers: { "content-type": "application/xml" },
    body,
    onUnanswered: () => paths.forEach(onUndecided),
  });
  return readDeleteResult(answer.body);
}

async function deleteSingly(
  store: S3Store,
  paths: readonly string[],
  onUndecided: Undecided,
): Promise<FailedDelete[]> {
  const failed: FailedDelete[] = [];
  await forEachConcurrently(paths, SINGLES_IN_FLIGHT, async (path) => {
    try {
      await sendDelete(store, path, () => onUndecided(path));
    } catch (error) {
      failed.push({ path, error });
    }
  });
  return failed;
}

async function sendDelete(store: S3Store, path: string, onUnanswered?: () => void): Promise<void> {
  await callS3(store, "delete", path, () =>
    store.lane.send({ method: "DELETE", key: store.keyOf(path), onUnanswered }),
  );
}

/** A failure of one key in the form of a refused request. */
function requestError({ code, message }: DeleteFailure): S3RequestError {
  const status = code === "AccessDenied" ? 403 : PASSING_CODES.has(code) ? 503 : 400;
  return new S3RequestError({ status, code, message, requestId: "", headers: {} });
}
