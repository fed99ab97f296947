import { PathNotFoundError } from "../../errors.ts";
import type { FileInfo } from "../driver.ts";
import { compareKeys } from "../key-order.ts";
import { callS3, folderPrefix } from "./s3-call.ts";
import { S3ConnectionError } from "./s3-lane.ts";
import type { S3Store } from "./s3-store.ts";
import { type ListedObject, readListing } from "./xml/read-listing.ts";

/** The most that S3 gives at once. @see https://docs.aws.amazon.com/AmazonS3/latest/API/API_ListObjectsV2.html */
export const PAGE_KEYS = 1000;

/** How many pages in a row may lead nowhere. */
const MAX_REPEATS = 20;

/** Where a page begins: behind a key, or where the page before said. */
export type PagePosition =
  | { after: string }
  | {
      token: string;
      /** So many pages before have said the same. */
      repeats: number;
    };

/** Which keys a page is asked for. */
export interface PageRequest {
  /** What all keys begin with. */
  prefix: string;
  /** Keys are given up to the first slash behind the prefix, each of them once. */
  children?: boolean;
  /** Undefined: at the first key. */
  position?: PagePosition | undefined;
  maxKeys?: number;
  /** Objects are given with their ETags. */
  etags?: boolean;
  /** Nobody waits for it at once. */
  isPatient?: boolean;
  signal?: AbortSignal | undefined;
}

/** Some keys in byte order. */
export interface ListedPage {
  objects: ListedObject[];
  /** What stands for all keys below it, with the slash at its end. */
  prefixes: string[];
  /** Where the next page begins; undefined at the end, and only there: a page may have few keys, or none. */
  next: PagePosition | undefined;
  /** The store's time, as its answer says; NaN if it does not. */
  dateMs: number;
}

/**
 * Asks for one page of a listing. Times are cut to full seconds, as the answers to HEAD have them.
 *
 * @throws whatever the lane throws
 */
export async function listPage(store: S3Store, request: PageRequest): Promise<ListedPage> {
  const { prefix, children = false, position, maxKeys = PAGE_KEYS, etags, isPatient, signal } = request;
  const answer = await store.lane.send({
    method: "GET",
    query: {
      "list-type": "2",
      "encoding-type": "url",
      "max-keys": String(maxKeys),
      ...(prefix === "" ? {} : { prefix }),
      ...(children ? { delimiter: "/" } : {}),
      ...(position === undefined
        ? {}
        : "token" in position
          ? { "continuation-token": position.token }
          : { "start-after": position.after }),
    },
    ...{ isPatient, signal },
  });
  const page = readListing(answer.body, etags);
  for (const object of page.objects) object.modifiedMs = Math.floor(object.modifiedMs / 1000) * 1000;
  return {
    objects: page.objects,
    prefixes: page.prefixes,
    next: nextPosition(page, position),
    dateMs: Date.parse(answer.headers["date"] ?? ""),
  };
}

/** All pages from the first key on, one after the other. */
export async function* listPages(store: S3Store, request: PageRequest): AsyncGenerator<ListedPage> {
  let position = request.position;
  do {
    const page = await listPage(store, { ...request, position });
    yield page;
    position = page.next;
  } while (position !== undefined);
}

function nextPosition(
  page: { objects: ListedObject[]; prefixes: string[]; isTruncated: boolean; nextToken: string },
  position: PagePosition | undefined,
): PagePosition | undefined {
  if (!page.isTruncated) return undefined;
  if (page.nextToken !== "") {
    const isSame = position !== undefined && "token" in position && position.token === page.nextToken;
    const repeats = isSame ? position.repeats + 1 : 0;
    if (repeats <= MAX_REPEATS) return { token: page.nextToken, repeats };
    throw new S3ConnectionError("a listing goes on where it came from, without an end");
  }
  const lastKey = page.objects.at(-1)?.key ?? "";
  const lastPrefix = page.prefixes.at(-1) ?? "";
  const last = compareKeys(lastKey, lastPrefix) < 0 ? behindFolder(lastPrefix) : lastKey;
  if (last !== "") return { after: last };
  throw new S3ConnectionError("a listing says that there is more, but not where");
}

/** @returns a key behind everything in a folder: `0` is the character behind the slash */
export function behindFolder(prefix: string): string {
  return `${prefix.slice(0, -1)}0`;
}

/**
 * The direct children of a folder in key order. Objects that stand for folders are left out, and so is what no path can
 * name (`a//b`).
 *
 * @throws {PathNotFoundError} if there is no key below it
 */
export async function listFolder(store: S3Store, path: string): Promise<FileInfo[]> {
  const prefix = folderPrefix(store, path);
  return callS3(store, "list", path, async () => {
    const children: FileInfo[] = [];
    let isThere = path === "/";
    for await (const page of listPages(store, { prefix, children: true })) {
      isThere ||= page.objects.length > 0 || page.prefixes.length > 0;
      addChildren(children, page, { prefix, folder: path === "/" ? "" : path });
    }
    if (!isThere) throw new PathNotFoundError("s3", path);
    return children;
  });
}

function addChildren(
  children: FileInfo[],
  page: ListedPage,
  { prefix, folder }: { prefix: string; folder: string },
): void {
  const found = page.objects
    .filter(({ key }) => !key.endsWith("/"))
    .map(({ key, sizeBytes, modifiedMs }) => ({ key, sizeBytes, modifiedMs, isFolder: false }));
  for (const key of new Set(page.prefixes)) found.push({ key, sizeBytes: 0, modifiedMs: 0, isFolder: true });
  found.sort((left, right) => compareKeys(left.key, right.key));
  for (const { key, ...info } of found) {
    const name = key.slice(prefix.length, info.isFolder ? -1 : undefined);
    if (name === "" || name === "." || name === "..") continue;
    const path = `${folder}/${name}`;
    // Some stores tell of a folder again on the next page.
    if (children.at(-1)?.path !== path || children.at(-1)?.isFolder !== info.isFolder)
      children.push({ path, ...info });
  }
}

/**
 * All files below a folder; the next page comes while one is looked at.
 *
 * @throws {PathNotFoundError} at the first step, if there is no key below it
 */
export async function* walkFolder(store: S3Store, path: string): AsyncGenerator<FileInfo> {
  const prefix = folderPrefix(store, path);
  const stop = new AbortController();
  const fetchPage = (position: PagePosition | undefined): Promise<ListedPage> => {
    const page = callS3(store, "list", path, () =>
      listPage(store, { prefix, position, signal: stop.signal }),
    );
    // It is awaited later, or not at all if the walk is left early.
    page.catch(() => undefined);
    return page;
  };
  let isThere = path === "/";
  try {
    let coming: Promise<ListedPage> | undefined = fetchPage(undefined);
    while (coming !== undefined) {
      const page: ListedPage = await coming;
      coming = page.next && fetchPage(page.next);
      isThere ||= page.objects.length > 0;
      for (const { key, sizeBytes, modifiedMs } of page.objects) {
        const file = store.pathOf(key);
        if (file === undefined || key.endsWith("/") || UNNAMEABLE.test(file)) continue;
        yield { path: file, sizeBytes, modifiedMs, isFolder: false };
      }
    }
  } finally {
    stop.abort();
  }
  if (!isThere) throw new PathNotFoundError("s3", path);
}

/** What no checked path has: an empty, `.` or `..` segment. */
const UNNAMEABLE = /\/\.{0,2}(?:\/|$)/;
