import type { ChangeWatcher, TagBefore } from "../registry/change-watcher.ts";
import type { Actor } from "./actor.ts";
import type { AuditRecord } from "./audit-record.ts";

/** A command of ours that changes tags. */
export interface ChangingCommand {
  /** Without options: `tags set`. */
  command: string;
  /** Who runs it. */
  ranBy: Actor;
}

/**
 * @param append - takes what is to be written into the audit of the store
 * @returns what writes down how a command changes one repository, also that a tag is new, or has been set to where it pointed
 */
export function auditChanges(
  append: (record: Omit<AuditRecord, "schemaVersion" | "time">) => void,
  repository: string,
  { command, ranBy }: ChangingCommand,
): ChangeWatcher {
  const by = { command, ranBy };
  return {
    tagSet(tag, before, after) {
      const action = before === "none" || before === after ? "tag-set" : "tag-overwrite";
      append({ action, repository, tag, ...digestBefore(before), after, ...by });
    },
    tagDeleted(tag, before) {
      append({ action: "tag-delete", repository, tag, ...digestBefore(before), ...by });
    },
    manifestDeleted(digest) {
      append({ action: "manifest-delete", repository, before: digest, ...by });
    },
  };
}

/** @returns the field of a record that tells what a tag pointed to, if that is known */
export function digestBefore(before: TagBefore): { before?: string } {
  return before === "none" || before === "unreadable" ? {} : { before };
}
