import { asRecord, isText, isTime, textsOf } from "./json-fields.ts";

/** What a server's audit tells of. */
export type AuditAction = "tag-overwrite" | "tag-delete" | "manifest-delete" | "blob-delete" | "lost";

/** One line of a server's audit. */
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
  /** With `lost`: how many records could not be written before this one. */
  count?: number;
}

/** @returns what a line says, or undefined if it is none of ours */
export function parseAuditRecord(json: unknown): AuditRecord | undefined {
  const fields = asRecord(json);
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { time, action, repository, count } = fields;
  if (!isTime(time) || !isAction(action) || !isText(repository)) return undefined;
  return {
    ...{ schemaVersion: 1, time, action, repository },
    ...textsOf(fields, TEXTS),
    ...(typeof count === "number" ? { count } : {}),
  };
}

const TEXTS = ["tag", "before", "after", "actor", "address", "forwardedFor", "userAgent"] as const;
const ACTIONS: readonly string[] = [
  "tag-overwrite",
  "tag-delete",
  "manifest-delete",
  "blob-delete",
  "lost",
] satisfies AuditAction[];

function isAction(value: unknown): value is AuditAction {
  return isText(value) && ACTIONS.includes(value);
}
