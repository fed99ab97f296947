import { createHash } from "node:crypto";

/** One object, or one of its versions. */
export interface StoredObject {
  body: Buffer;
  /** Without its quotes. */
  etag: string;
  modifiedMs: number;
  /** What its request said of how to keep it (`x-amz-storage-class`, `x-amz-acl`, `content-type`, …), names in lower case. */
  headers: Record<string, string>;
  versionId: string;
}

/** A version that is no longer, or a marker that there is none any more. */
export interface OldVersion {
  versionId: string;
  modifiedMs: number;
  /** Undefined: a delete marker. */
  object: StoredObject | undefined;
}

/** One part of an upload. */
export interface StoredPart {
  body: Buffer;
  etag: string;
  modifiedMs: number;
}

/** A multipart upload that is neither completed nor aborted. */
export interface StoredUpload {
  uploadId: string;
  key: string;
  startedMs: number;
  headers: Record<string, string>;
  /** By number. */
  parts: Map<number, StoredPart>;
}

/** One bucket in memory. Tests may look at everything and change it. */
export class Bucket {
  readonly name: string;
  readonly objects = new Map<string, StoredObject>();
  /** By key, the newest first. */
  readonly history = new Map<string, OldVersion[]>();
  /** By upload id. */
  readonly uploads = new Map<string, StoredUpload>();
  versioning: "off" | "on" | "suspended" = "off";
  /** The XML of its lifecycle configuration; undefined: it has none. */
  lifecycle: string | undefined = undefined;
  /** Deletes of such keys are answered well, and nothing happens. */
  keepsSilently: (key: string) => boolean = () => false;
  #lastId = 0;
  #sorted: string[] | undefined = undefined;
  #sortedSize = 0;

  constructor(name: string) {
    this.name = name;
  }

  put(
    key: string,
    body: Buffer,
    nowMs: number,
    more: { etag?: string; headers?: Record<string, string> } = {},
  ) {
    this.#retire(key);
    const object: StoredObject = {
      body,
      etag: more.etag ?? md5(body),
      modifiedMs: nowMs,
      headers: more.headers ?? {},
      versionId: this.versioning === "on" ? this.newId("v") : "null",
    };
    this.objects.set(key, object);
    return object;
  }

  /** Removes the object, which leaves a marker in a bucket with versions. */
  remove(key: string, nowMs: number): void {
    if (this.keepsSilently(key)) return;
    if (this.versioning !== "off") {
      this.#retire(key);
      this.#remember(key, { versionId: this.newId("d"), modifiedMs: nowMs, object: undefined });
    }
    this.objects.delete(key);
  }

  /** Removes one version for good. */
  removeVersion(key: string, versionId: string): void {
    if (this.keepsSilently(key)) return;
    if (this.objects.get(key)?.versionId === versionId) this.objects.delete(key);
    const rest = (this.history.get(key) ?? []).filter((version) => version.versionId !== versionId);
    if (rest.length === 0) this.history.delete(key);
    else this.history.set(key, rest);
    const [newest] = rest;
    if (!this.objects.has(key) && newest?.object !== undefined) {
      this.objects.set(key, newest.object);
      this.history.set(key, rest.slice(1));
    }
  }

  /** All keys in the order of their UTF-8 bytes. */
  keys(): readonly string[] {
    // Tests fill `objects` themselves too, so a change is known by its keys alone: an overwrite keeps them.
    if (this.#sorted === undefined || this.#sortedSize !== this.objects.size || !this.#stillSorted()) {
      this.#sorted = sortKeys(this.objects.keys());
      this.#sortedSize = this.objects.size;
    }
    return this.#sorted;
  }

  newId(letter: string): string {
    this.#lastId += 1;
    return `${letter}${String(this.#lastId).padStart(8, "0")}`;
  }

  #stillSorted(): boolean {
    return this.#sorted?.every((key) => this.objects.has(key)) ?? false;
  }

  #retire(key: string): void {
    const object = this.objects.get(key);
    if (object === undefined || this.versioning === "off") return;
    this.#remember(key, { versionId: object.versionId, modifiedMs: object.modifiedMs, object });
  }

  #remember(key: string, version: OldVersion): void {
    this.history.set(key, [version, ...(this.history.get(key) ?? [])]);
  }
}

/** @returns keys in the order of their UTF-8 bytes */
export function sortKeys(keys: Iterable<string>): string[] {
  return [...keys].sort(compareKeys);
}

/** Compares keys by their UTF-8 bytes: JavaScript compares by UTF-16, where surrogates come before U+E000. */
export function compareKeys(one: string, other: string): number {
  if (SURROGATE.test(one) || SURROGATE.test(other))
    return Buffer.compare(Buffer.from(one), Buffer.from(other));
  return one < other ? -1 : Number(one > other);
}

const SURROGATE = /[\ud800-\udfff]/;

/** As an ETag has it. */
export function md5(content: Uint8Array): string {
  return createHash("md5").update(content).digest("hex");
}
