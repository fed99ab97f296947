import { asRecord, isText, isTime, textsOf } from "./json-fields.ts";

/** A process that something is done for, so that others can tell whether it still lives. */
export interface DutyHolder {
  host: string;
  bootId: string;
  pidNamespace: string;
  pid: number;
  /** What the system says of the start of the process; another process with the same number has another one. */
  processStart?: string;
}

/** How the registry that is meant is found again. */
export interface DutyPlace {
  /** Absolute path of its configuration file; left out for the embedded one. */
  config?: string;
  /** The working directory, from which relative paths of the configuration count. */
  cwd: string;
  stateDir?: string;
  controlSocket?: string;
  /** `--env-from`. */
  envFrom: string[];
  /** Where it listens on this host. */
  addresses: DutyAddress[];
}

/** An address of a registry, as its configuration says it. */
export interface DutyAddress {
  /** `host:port`, `:port`, or the path of a socket. */
  addr: string;
  net: "tcp" | "unix";
  /** With leading and trailing slash. */
  prefix: string;
  /** It speaks TLS. */
  tls: boolean;
}

/** Our server takes no writes for now: back to what it was before. */
export interface UndoServerReadOnly {
  kind: "server-read-only";
  /** Path of its control socket. */
  socket: string;
  /** Where it may keep that it is read-only, for its next start. */
  stateFolders: string[];
  /**
   * The reason that the server was given, which is another one for each duty: where it tells another one, somebody
   * else has set it since, and nothing is undone.
   */
  token: string;
  before: { on: boolean; until?: string; reason?: string };
}

/** The configuration file says read-only for now, and the registry was started again with it. */
export interface UndoConfiguration {
  kind: "configuration";
  /** Absolute path. */
  file: string;
  /** What stood there before, with its secrets. */
  original: string;
  /** What was to be written, as SHA-256 in hex; where the file has something else, only the key is set back. */
  writtenSha256: string;
  /** What the key was. */
  wasReadOnly: boolean;
  /** As `--service` names it; it is started again after the change. */
  service: string;
  /** It ran before; else it is only the file that is put right. */
  wasRunning: boolean;
}

/** The registry was stopped for now. */
export interface UndoStop {
  kind: "stop";
  /** As `--service` names it; left out: our own server, which is started in the background as it was. */
  service?: string;
  server?: DutyServer;
}

/** How our server was started. */
export interface DutyServer {
  /** Arguments of `registry-ctl`, beginning with `serve`. */
  args: string[];
  cwd: string;
  /** Where its log is. */
  stateFolder: string;
}

/** All servers on the store were asked to take no writes for now. */
export interface UndoNodes {
  kind: "nodes";
  /** The id of the request, which lies in the store. */
  request: string;
}

/** What has to be done to be where we were. */
export type Undo = UndoServerReadOnly | UndoConfiguration | UndoStop | UndoNodes;

/**
 * Something about a registry that was changed for a time only, and must be undone whatever happens: by who changed it,
 * by the process that watches over it, or after a reboot by `registry-ctl recover`.
 */
export interface Duty {
  schemaVersion: 1;
  /** Also the name of its file. */
  id: string;
  /** For people: `garbage-collect --mode read-only`. */
  reason: string;
  /** Who asked for it, for people. */
  by: string;
  /** As `storeName` gives it. */
  store: string;
  /** ISO 8601, UTC, like all times here. */
  madeAt: string;
  /** It lasts as long as this process; left out: not bound to one. */
  holder?: DutyHolder;
  /** It lasts until then; left out together with `holder`: until somebody takes it back. */
  until?: string;
  place: DutyPlace;
  undo: Undo;
}

/** @returns what the file of a duty says, or undefined if it is none */
export function parseDuty(json: unknown): Duty | undefined {
  const fields = asRecord(json);
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { id, reason, by, store, madeAt } = fields;
  const place = parsePlace(asRecord(fields["place"]));
  const undo = parseUndo(asRecord(fields["undo"]));
  if (!isText(id) || !isText(reason) || !isText(by) || !isText(store) || !isTime(madeAt)) return undefined;
  if (!place || !undo) return undefined;
  const holder = parseHolder(asRecord(fields["holder"]));
  if (fields["holder"] !== undefined && !holder) return undefined;
  if (fields["until"] !== undefined && !isTime(fields["until"])) return undefined;
  return {
    ...{ schemaVersion: 1, id, reason, by, store, madeAt, place, undo },
    ...(holder ? { holder } : {}),
    ...(isTime(fields["until"]) ? { until: fields["until"] } : {}),
  };
}

function parsePlace(fields: Fields | undefined): DutyPlace | undefined {
  if (!fields || !isText(fields["cwd"])) return undefined;
  const { envFrom, addresses } = fields;
  return {
    cwd: fields["cwd"],
    ...textsOf(fields, ["config", "stateDir", "controlSocket"]),
    envFrom: texts(envFrom),
    addresses: Array.isArray(addresses)
      ? addresses.flatMap((item) => parseAddress(asRecord(item)) ?? [])
      : [],
  };
}

function parseAddress(fields: Fields | undefined): DutyAddress | undefined {
  const { addr, net, prefix, tls } = fields ?? {};
  if (!isText(addr) || (net !== "tcp" && net !== "unix") || !isText(prefix) || typeof tls !== "boolean")
    return undefined;
  return { addr, net, prefix, tls };
}

function parseUndo(fields: Fields | undefined): Undo | undefined {
  switch (fields?.["kind"]) {
    case "server-read-only": {
      const before = asRecord(fields["before"]);
      const { token, socket } = fields;
      if (!isText(token) || !isText(socket) || typeof before?.["on"] !== "boolean") return undefined;
      const { on, until } = before;
      return {
        kind: "server-read-only",
        socket,
        stateFolders: texts(fields["stateFolders"]),
        token,
        before: { on, ...(isTime(until) ? { until } : {}), ...textsOf(before, ["reason"]) },
      };
    }
    case "configuration": {
      const { file, original, writtenSha256, wasReadOnly, service, wasRunning } = fields;
      if (!isText(file) || !isText(original) || !isText(writtenSha256) || !isText(service)) return undefined;
      if (typeof wasReadOnly !== "boolean" || typeof wasRunning !== "boolean") return undefined;
      return { kind: "configuration", file, original, writtenSha256, wasReadOnly, service, wasRunning };
    }
    case "nodes":
      return isText(fields["request"]) ? { kind: "nodes", request: fields["request"] } : undefined;
    case "stop":
      return parseStop(fields);
    default:
      return undefined;
  }
}

function parseStop(fields: Fields): UndoStop | undefined {
  const service = textsOf(fields, ["service"]);
  const server = asRecord(fields["server"]);
  if (!server) return service.service === undefined ? undefined : { kind: "stop", ...service };
  const { args, cwd, stateFolder } = server;
  if (!isText(cwd) || !isText(stateFolder)) return undefined;
  return { kind: "stop", ...service, server: { args: texts(args), cwd, stateFolder } };
}

function texts(value: unknown): string[] {
  return Array.isArray(value) ? value.filter(isText) : [];
}

function parseHolder(fields: Fields | undefined): DutyHolder | undefined {
  if (!fields) return undefined;
  const { host, bootId, pidNamespace, pid } = fields;
  if (!isText(host) || !isText(bootId) || !isText(pidNamespace)) return undefined;
  if (typeof pid !== "number" || !Number.isSafeInteger(pid) || pid < 1) return undefined;
  return { host, bootId, pidNamespace, pid, ...textsOf(fields, ["processStart"]) };
}

type Fields = Record<string, unknown>;
