import { join } from "node:path";
import type { Logger } from "../../lib/logger.ts";
import type { ChangeWatcher } from "../../registry/change-watcher.ts";
import type { Actor } from "../../state/actor.ts";
import { auditChanges } from "../../state/audit-changes.ts";
import { AUDIT_FOLDER, AuditLog } from "../../state/audit-log.ts";

/** Options of {@link openTagRecorder}. */
export interface TagRecorderOptions {
  /** The store's state folder, where `prepareState` has made it; undefined: nothing is written down. */
  stateFolder: string | undefined;
  /** Which command changes tags, without options: `tags delete`. */
  command: string;
  /** Who runs it: what `CommandContext.actor` gives. */
  ranBy: Actor;
  /** Told of what cannot be written, which keeps nothing from going on. */
  onProblem: (text: string) => void;
}

/**
 * Writes down what a command does to tags, in the audit of the store beside what its server writes there: one line for each
 * tag that is set or removed, with the digest that it had. `history` shows the lines, and a tag that was removed can be set
 * again from them (their `action` is `tag-delete`, the digest is `before`), as long as no collection has taken its manifest.
 */
export interface TagRecorder {
  /**
   * @returns what writes down changes of one repository's tags: to be given to `Registry.repository`, or called when a
   *   change has been made. It also writes down that a tag is new, or has been set to where it pointed
   */
  of(repository: string): ChangeWatcher;
  /** Waits until what was written is on the disk. */
  sync(): void;
  close(): void;
}

/** @returns where a command is to write down what it does to tags; opens nothing before there is something to write */
export function openTagRecorder(options: TagRecorderOptions): TagRecorder {
  const { stateFolder, command, ranBy, onProblem } = options;
  if (stateFolder === undefined) return NOTHING_WRITTEN;
  const audit = new AuditLog({ folder: join(stateFolder, AUDIT_FOLDER), logger: loggerTo(onProblem) });
  return {
    of: (repository) => auditChanges((record) => audit.append(record), repository, { command, ranBy }),
    sync: () => audit.sync(),
    close: () => audit.close(),
  };
}

const NOTHING_WRITTEN: TagRecorder = {
  of: () => ({ tagSet: () => {}, tagDeleted: () => {}, manifestDeleted: () => {} }),
  sync: () => {},
  close: () => {},
};

/** The audit tells of what it cannot do as a server's log is told. */
function loggerTo(onProblem: (text: string) => void): Logger {
  const tell = (message: string, fields: Record<string, unknown> = {}): void => {
    const { error } = fields;
    onProblem(typeof error === "string" ? `${message}: ${error}` : message);
  };
  const logger: Logger = {
    error: tell,
    warn: tell,
    info: () => {},
    debug: () => {},
    trace: () => {},
    child: () => logger,
  };
  return logger;
}
