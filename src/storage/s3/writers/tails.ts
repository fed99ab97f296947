import { isMissingObject } from "../s3-call.ts";
import type { S3Store } from "../s3-store.ts";
import { bareEtag } from "./bare-etag.ts";

/*
 * What is too little for a part of a multipart upload is kept in objects of its own, named by their place in the file.
 */

/** Bytes of an unfinished file in an object of their own. */
export interface Tail {
  key: string;
  offset: number;
  sizeBytes: number;
  /** Without its quotes; empty if the store has told none. */
  etag: string;
}

/** @returns what the keys of all tails of a file begin with: beside `data` of an upload is the folder `tail` */
export function tailPrefix(key: string): string {
  return key.endsWith("/data") ? `${key.slice(0, -"data".length)}tail/` : `${key}.tail/`;
}

/** @returns the offset that a tail's key names; undefined if it is none of the file's tails */
export function tailOffset(prefix: string, key: string): number | undefined {
  if (!key.startsWith(prefix)) return undefined;
  const name = key.slice(prefix.length);
  return /^(?:0|[1-9]\d{0,15})$/.test(name) ? Number(name) : undefined;
}

/**
 * Finds the tails that go on where the parts end.
 *
 * @param tails - all there are, in any order
 * @param fromBytes - size of the parts
 * @returns those that follow without a gap; the others, which are in parts already or were left behind by somebody who
 *   died; and where the last one ends
 */
export function followingTails(
  tails: readonly Tail[],
  fromBytes: number,
): { following: Tail[]; stale: Tail[]; endBytes: number } {
  const following: Tail[] = [];
  const stale: Tail[] = [];
  let endBytes = fromBytes;
  for (const tail of [...tails].sort((left, right) => left.offset - right.offset)) {
    if (tail.offset === endBytes && tail.sizeBytes > 0) {
      following.push(tail);
      endBytes += tail.sizeBytes;
    } else stale.push(tail);
  }
  return { following, stale, endBytes };
}

/** Stores a tail, in the place of one at the same offset. */
export async function putTail(
  store: S3Store,
  { key, offset, bytes }: { key: string; offset: number; bytes: Uint8Array },
): Promise<Tail> {
  const tailKey = `${tailPrefix(key)}${offset}`;
  const { headers } = await store.lane.send({
    ...{ method: "PUT", key: tailKey, headers: store.objectHeaders, body: bytes },
  });
  return { key: tailKey, offset, sizeBytes: bytes.length, etag: bareEtag(headers["etag"]) };
}

/**
 * Reads tails into `target`, each at its place behind the first one.
 *
 * @throws if one is not what it was when it was listed, or stored
 */
export async function readTails(store: S3Store, tails: readonly Tail[], target: Uint8Array): Promise<void> {
  const start = tails[0]?.offset ?? 0;
  await inGroups(tails, async ({ key, offset, sizeBytes, etag }) => {
    const { body, headers } = await store.lane.send({ method: "GET", key });
    if (body.length !== sizeBytes) {
      throw new Error(`${key} has ${body.length} bytes, ${sizeBytes} were listed`);
    }
    if (etag !== "" && bareEtag(headers["etag"]) !== etag) {
      throw new Error(`${key} has been replaced by somebody else`);
    }
    target.set(body, offset - start);
  });
}

/** Removes objects, whether they are there or not. */
export async function deleteTails(store: S3Store, tails: readonly Pick<Tail, "key">[]): Promise<void> {
  await inGroups(tails, async ({ key }) => {
    try {
      await store.lane.send({ method: "DELETE", key });
    } catch (error) {
      if (!isMissingObject(error)) throw error;
    }
  });
}

const AT_ONCE = 4;

async function inGroups<T>(items: readonly T[], action: (item: T) => Promise<void>): Promise<void> {
  for (let at = 0; at < items.length; at += AT_ONCE) {
    await Promise.all(items.slice(at, at + AT_ONCE).map(action));
  }
}
