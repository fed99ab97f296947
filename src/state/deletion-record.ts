import { asRecord, isText, isTime, textsOf } from "./json-fields.ts";

/** What is to become of something that could not be deleted. */
export type DeletionState =
  /** All attempts have failed, and nobody has asked for more. */
  | "delete_failed"
  /** The next run that deletes in its repository does it. */
  | "delete_scheduled";

/** A tag that was to be deleted and is still there. */
export interface DeletionRecord {
  repository: string;
  /** The tag. */
  name: string;
  /** What the tag pointed to when it was to go; left out where its link was broken. */
  digest?: string;
  state: DeletionState;
  /** How often it was tried in the last run that did. */
  attempts: number;
  /** Why the last attempt failed. */
  reason: string;
  /** When that was; ISO 8601, UTC. */
  at: string;
  /** When it was set back to `delete_scheduled`. */
  scheduledAt?: string;
}

/** What tells one record from all others. */
export type DeletionName = Pick<DeletionRecord, "repository" | "name">;

/** @returns the key of a record among others */
export function deletionKey({ repository, name }: DeletionName): string {
  // A name has no such character.
  return `${repository}\0${name}`;
}

/** @returns what a record of the file says, or undefined if it is none */
export function parseDeletion(json: unknown): DeletionRecord | undefined {
  const fields = asRecord(json);
  if (fields === undefined) return undefined;
  const { repository, name, state, attempts, reason, at } = fields;
  if (!isText(repository) || !isText(name) || !isText(reason) || !isTime(at)) return undefined;
  if (state !== "delete_failed" && state !== "delete_scheduled") return undefined;
  if (typeof attempts !== "number" || !Number.isSafeInteger(attempts)) return undefined;
  const more = textsOf(fields, ["digest", "scheduledAt"]);
  return { repository, name, state, attempts, reason, at, ...more };
}
