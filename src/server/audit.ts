import type { Digest } from "../oci/digest.ts";
import type { ChangeWatcher, TagBefore } from "../registry/change-watcher.ts";
import { digestBefore } from "../state/audit-changes.ts";
import type { AuditRecord } from "../state/audit-record.ts";
import type { Exchange } from "./exchange.ts";
import type { ServerContext } from "./server-context.ts";

/** What the audit of a server is told; `AuditLog` but in tests. */
export interface Audit {
  append(record: Omit<AuditRecord, "schemaVersion" | "time">): void;
}

/** Clients may send what they like. */
const MAX_HEADER_CHARS = 200;

/** @returns what writes down the changes that a request makes; undefined where nothing is written down */
export function auditOf(context: ServerContext, exchange: Exchange): ChangeWatcher | undefined {
  return context.audit && new RequestAudit(context.audit, exchange);
}

/** Writes down that a request took a blob out of its repository. */
export function auditBlobDelete(context: ServerContext, exchange: Exchange, digest: Digest): void {
  if (context.audit) new RequestAudit(context.audit, exchange).blobDeleted(digest);
}

/** Overwrites and deletes; that a tag is new, or points where it pointed, is nothing that somebody could miss. */
class RequestAudit implements ChangeWatcher {
  readonly #audit: Audit;
  readonly #exchange: Exchange;

  constructor(audit: Audit, exchange: Exchange) {
    this.#audit = audit;
    this.#exchange = exchange;
  }

  tagSet(tag: string, before: TagBefore, after: Digest): void {
    if (before === "none" || before === after) return;
    this.#append({ action: "tag-overwrite", tag, ...digestBefore(before), after });
  }

  tagDeleted(tag: string, before: TagBefore): void {
    this.#append({ action: "tag-delete", tag, ...digestBefore(before) });
  }

  manifestDeleted(digest: Digest): void {
    this.#append({ action: "manifest-delete", before: digest });
  }

  blobDeleted(digest: Digest): void {
    this.#append({ action: "blob-delete", before: digest });
  }

  #append(change: Pick<AuditRecord, "action" | "tag" | "before" | "after">): void {
    const { user, clientAddress, route } = this.#exchange;
    const forwardedFor = this.#exchange.header("x-forwarded-for")?.slice(0, MAX_HEADER_CHARS);
    const userAgent = this.#exchange.header("user-agent")?.slice(0, MAX_HEADER_CHARS);
    this.#audit.append({
      ...change,
      repository: route.name,
      ...(user ? { actor: user } : {}),
      ...(clientAddress === "" ? {} : { address: clientAddress }),
      ...(forwardedFor ? { forwardedFor } : {}),
      ...(userAgent ? { userAgent } : {}),
    });
  }
}
