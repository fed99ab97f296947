import { isAbsolute } from "node:path";
import { UsageError } from "../errors.ts";

/** What runs a registry on this host, as `--service` and ctl.yml say it. */
export type ServiceSpec =
  | { kind: "systemd"; unit: string }
  /** Name or absolute folder of the service. */
  | { kind: "runit"; service: string }
  /** `line`: what the commands were made of; undefined where each has its own. */
  | { kind: "command"; commands: ServiceCommands; line?: string };

/** Lines for `/bin/sh` that start and stop a registry. None is empty. */
export interface ServiceCommands {
  start: string;
  stop: string;
  /** Undefined: `stop`, then `start`. */
  restart?: string;
  /** Exit code 0: it runs, 3: it does not, another one: nobody knows. Undefined: it cannot be asked. */
  status?: string;
  /** File that it logs to. */
  log?: string;
}

/** What it can be asked for, and the order in which a line is tried out. */
const VERBS = ["start", "stop", "restart", "status"] as const;
/** As systemd allows them; a name never begins with a dash, which would make it an option. */
const UNIT = /^[A-Za-z0-9:_\\@][A-Za-z0-9:_.\\@-]*$/;
const RUNIT_NAME = /^[A-Za-z0-9_@][A-Za-z0-9_.@-]*$/;
const HINT =
  "give systemd:UNIT, runit:NAME, or command:LINE with {} in the place of start, stop, restart or status";

/**
 * Reads `systemd:UNIT` (the ending `.service` may be left out), `runit:NAME`, `runit:/FOLDER` or `command:LINE`. In
 * a line `{}` stands for `start`, `stop`, `restart` or `status`; where it has none, the word is put behind it, as
 * init scripts take it. Separate commands, as ctl.yml has them, are written as a JSON object.
 *
 * @throws {UsageError} if it is none of these
 */
export function parseServiceSpec(text: string): ServiceSpec {
  const colon = text.indexOf(":");
  const [kind, name] = colon < 0 ? [text, ""] : [text.slice(0, colon), text.slice(colon + 1).trim()];
  switch (kind) {
    case "systemd":
      return { kind, unit: unitName(name) };
    case "runit":
      if (!RUNIT_NAME.test(name) && !isAbsolute(name))
        throw new UsageError(
          `runit: is followed by ${JSON.stringify(name)}, which is neither a name nor an absolute folder`,
          { hint: HINT },
        );
      return { kind, service: name };
    case "command":
      if (name === "") throw new UsageError("command: is followed by nothing", { hint: HINT });
      return name.startsWith('{"')
        ? { kind, commands: separateCommands(name) }
        : { kind, commands: commandsOf(name), line: name };
    default:
      throw new UsageError(`a service is not ${JSON.stringify(text)}`, { hint: HINT });
  }
}

/** @returns what {@link parseServiceSpec} reads */
export function formatServiceSpec(spec: ServiceSpec): string {
  switch (spec.kind) {
    case "systemd":
      return `systemd:${spec.unit}`;
    case "runit":
      return `runit:${spec.service}`;
    case "command":
      return `command:${spec.line ?? JSON.stringify(spec.commands)}`;
  }
}

function unitName(name: string): string {
  if (!UNIT.test(name))
    throw new UsageError(`systemd: is followed by ${JSON.stringify(name)}, which is no name of a unit`, {
      hint: HINT,
    });
  const ending = /\.(\w+)$/.exec(name)?.[1] ?? "";
  if (OTHER_UNITS.has(ending))
    throw new UsageError(`systemd: is followed by ${name}, which is not the name of a service`, {
      hint: HINT,
    });
  return ending === "service" ? name : `${name}.service`;
}

/** @see https://www.freedesktop.org/software/systemd/man/latest/systemd.unit.html */
const OTHER_UNITS = new Set("socket device mount automount swap target path timer slice scope".split(" "));

function commandsOf(line: string): ServiceCommands {
  const [start, stop, restart, status] = VERBS.map((verb) =>
    line.includes("{}") ? line.replaceAll("{}", verb) : `${line} ${verb}`,
  );
  return { start: start ?? "", stop: stop ?? "", restart: restart ?? "", status: status ?? "" };
}

function separateCommands(json: string): ServiceCommands {
  const commands = asCommands(json);
  if (commands === undefined)
    throw new UsageError("command: is followed by JSON that does not name commands for start and stop", {
      hint: HINT,
    });
  return commands;
}

function asCommands(json: string): ServiceCommands | undefined {
  let fields: Record<string, unknown>;
  try {
    fields = JSON.parse(json) as Record<string, unknown>;
  } catch {
    return undefined;
  }
  const { start, stop } = fields;
  if (typeof start !== "string" || typeof stop !== "string") return undefined;
  const commands: ServiceCommands = { start, stop };
  for (const name of ["restart", "status", "log"] as const) {
    const value = fields[name];
    if (typeof value === "string") commands[name] = value;
  }
  return commands;
}
