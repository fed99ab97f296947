import type { ChangedKey, ReadOnlyState, WorkerStatus } from "../../control/protocol.ts";
import type { DescribedMigration } from "../migrate/describe-migration.ts";
import type { RunsReport } from "../runs/look-at-runs.ts";
import type { ForeignRegistry } from "./registry-host.ts";

/** What there is to know of a registry; what `status --json` prints. */
export interface StatusReport {
  schemaVersion: 1;
  command: "status";
  /** Degraded: it serves, but something is wrong. */
  state: "running" | "degraded" | "stopped";
  /** What is wrong, for people. */
  reasons: string[];
  /** Our server. */
  server?: ServerReport;
  /** Other registries on this store, such as the Go registry. */
  others: ForeignRegistry[];
  config: {
    /** Absolute path; left out for the embedded configuration. */
    file?: string;
    /** When the file was changed last. */
    changedAt?: string;
  };
  /** As `storeName` gives it. */
  store: string;
  service?: ServiceReport;
  readOnly: ReadOnlyReport;
  /** What differs between the file, the process and what a command of ours applied last. */
  drift: DriftReport;
  disks: DiskReport[];
  /** Left out where the store cannot be asked, or is in memory. */
  collections?: RunsReport;
  /** What a crash or a reboot may have left half done; `recover` ends what is due. */
  duties: DutyReport[];
  /** Moves to or from this store which are under way, or were left half done; left out if there are none. */
  migrations?: DescribedMigration[];
  /** Other servers on the store. */
  nodes: NodeReport[];
  /** What could not be found out. */
  problems: string[];
}

/** Our server, as it tells of itself. */
export interface ServerReport {
  pid: number;
  version: string;
  startedAt: string;
  /** When the configuration in use was read. */
  configuredAt: string;
  address: string;
  workers: WorkerStatus[];
  uploadsInFlight: number;
  requestsInFlight: number;
  logLevel: string;
}

/** What starts and stops the registry. */
export interface ServiceReport {
  /** As `--service` takes it. */
  spec: string;
  description: string;
  /** null: it cannot be told. */
  isRunning: boolean | null;
  pid?: number;
}

/** Whether writes are refused. */
export interface ReadOnlyReport extends Partial<Omit<ReadOnlyState, "on">> {
  /** null: it cannot be told. */
  on: boolean | null;
  /** Socket: the server says so. Probe: a write was refused, or would have been taken. */
  by: "socket" | "probe" | "nothing";
}

/** What differs. */
export interface DriftReport {
  /** Between the file as it is now and the running server, key by key; empty for a server that is not ours. */
  keys: ChangedKey[];
  /** Everything that differs, for people, one line each. */
  lines: string[];
}

/** Room on a disk that is worked with. */
export interface DiskReport {
  /** What it is needed for: the store, or the state. */
  use: "store" | "state";
  path: string;
  freeBytes: number;
  totalBytes: number;
  freeInodes: number;
  /** 0: the file system does not count them. */
  totalInodes: number;
}

/** Something that was changed for a time only. */
export interface DutyReport {
  id: string;
  /** What was changed, for people. */
  what: string;
  reason: string;
  by: string;
  madeAt: string;
  until?: string;
  /** It is over, and nobody has undone it. */
  isDue: boolean;
}

/** Another server on the store. */
export interface NodeReport {
  host: string;
  pid: number;
  address: string;
  version: string;
}
