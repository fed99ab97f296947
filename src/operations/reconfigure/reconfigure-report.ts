import type { ChangedKey } from "../../control/protocol.ts";
import type { DerivedKind } from "./derived-files.ts";

/** What came of it, or would; with `--json` it is the document. */
export interface ReconfigureReport {
  schemaVersion: 1;
  command: "reconfigure";
  dryRun: boolean;
  /** Path of the configuration. */
  config: string;
  /** Who serves: our server, a registry that a service runs, or nobody. */
  server: "ours" | "service" | "none";
  /** Of our server, or of the service's registry where it is known. */
  pid?: number;
  /** Keys by which the configuration differs from what the server uses. */
  changed: ChangedKey[];
  /** With a service's registry: whether what it uses is known at all, from an earlier time that this command applied it. */
  compared: boolean;
  files: ReportedFile[];
  /** A pair of keys that was made, or would be. */
  keys?: { keyFile: string; certificateFile: string };
  /** Where old contents are kept: of files of others, and of those that had to be written where they are. */
  backups: string[];
  /**
   * Unchanged: the server uses all of it already. Applied: it does now. Restarted: its service has restarted it. Not
   * running: it will when it is started. Pending: what differs takes effect only when the server is stopped and started.
   */
  outcome: "unchanged" | "applied" | "restarted" | "not-running" | "pending" | "would-change";
  /** Workers were replaced. */
  replaced: boolean;
  /** Keys that take effect only when the server is stopped and started. */
  pending: string[];
  /** Why the server would refuse it as things are now. */
  refused?: string;
  warnings: string[];
}

/** A file that derives from the configuration. */
export interface ReportedFile {
  kind: DerivedKind;
  path: string;
  change: "new" | "changed" | "unchanged";
}
