import { type Actor, parseActor } from "./actor.ts";
import { asRecord, isText, isTime, textsOf } from "./json-fields.ts";

/** What an audit tells of. `tag-set`: a tag that was not there, or pointed there already; only commands tell of it. */
export type AuditAction =
  | "tag-set"
  | "tag-overwrite"
  | "tag-delete"
  | "manifest-delete"
  | "blob-delete"
  | "lost";

/** One line of a store's audit, which its server writes, and commands that change tags. */
export interface AuditRecord {
  schemaVersion: 1;
  /** ISO 8601, UTC. */
  time: string;
  action: AuditAction;
  /** Empty for `lost`. */
  repository: string;
  tag?: string;
  /** Digest of what was overwritten or deleted; left out if the tag's link could not be read. */
  before?: string;
  /** Digest to which the tag points now. */
  after?: string;
  /** Name in the token, or of the password's user; left out where the registry asks nobody. */
  actor?: string;
  /** Of the connection: a proxy's, where there is one. */
  address?: string;
  /** `X-Forwarded-For`, as the connection's other end says. */
  forwardedFor?: string;
  userAgent?: string;
  /** Of a change by a command of ours: which, without options. */
  command?: string;
  /** Who ran {@link command}. */
  ranBy?: Actor;
  /** With `lost`: how many records could not be written before this one. */
  count?: number;
}

/** @returns what a line says, or undefined if it is none of ours */
export function parseAuditRecord(json: unknown): AuditRecord | undefined {
  const fields = asRecord(json);
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { time, action, repository, count } = fields;
  if (!isTime(time) || !isAction(action) || !isText(repository)) return undefined;
  const ranBy = parseActor(fields["ranBy"]);
  return {
    ...{ schemaVersion: 1, time, action, repository },
    ...textsOf(fields, TEXTS),
    ...(ranBy ? { ranBy } : {}),
    ...(typeof count === "number" ? { count } : {}),
  };
}

const TEXTS = ["tag", "before", "after", "actor", "address", "forwardedFor", "userAgent", "command"] as const;
const ACTIONS: readonly string[] = [
  "tag-set",
  "tag-overwrite",
  "tag-delete",
  "manifest-delete",
  "blob-delete",
  "lost",
] satisfies AuditAction[];

function isAction(value: unknown): value is AuditAction {
  return isText(value) && ACTIONS.includes(value);
}
