import { asRecord, isText, isTime } from "./json-fields.ts";

/** What is done with repositories: given another name at once, or parked under none, and taken from there. */
export const MOVE_KINDS = ["move", "hold", "finish", "back"] as const;

/** One of {@link MOVE_KINDS}. */
export type MoveKind = (typeof MOVE_KINDS)[number];

/** A move that is under way, that was left half done, or whose repositories are parked. */
export interface MoveRecord {
  schemaVersion: 1;
  kind: MoveKind;
  /** The name that the repositories had at first. */
  old: string;
  /** The name that they are to have; undefined: not yet known, as of those that are parked. */
  new?: string;
  /** All at and below the name, not just the one of that name. */
  isProject: boolean;
  /** `parked`: nothing is half done; the repositories wait under no name. */
  phase: "moving" | "parked";
  /** ISO 8601, UTC, like all times here. */
  startedAt: string;
  changedAt: string;
  /** Of the process that works on it now, or did last. */
  host: string;
  pid: number;
}

/** @returns what a file says, or undefined if it is none of ours */
export function parseMove(json: unknown): MoveRecord | undefined {
  const fields = asRecord(json);
  if (fields?.["schemaVersion"] !== 1) return undefined;
  const { kind, old, isProject, phase, startedAt, changedAt, host, pid } = fields;
  const target = fields["new"];
  const knownKind = MOVE_KINDS.find((each) => each === kind);
  if (knownKind === undefined || (phase !== "moving" && phase !== "parked")) return undefined;
  if (!isText(old) || !isTime(startedAt) || !isTime(changedAt) || !isText(host)) return undefined;
  if (typeof isProject !== "boolean" || typeof pid !== "number") return undefined;
  if (target !== undefined && !isText(target)) return undefined;
  return {
    ...{ schemaVersion: 1, kind: knownKind, old, isProject, phase, startedAt, changedAt, host, pid },
    ...(target === undefined ? {} : { new: target }),
  };
}

/** @returns the command that does the rest of a move, without the configuration */
export function commandOf({
  kind,
  old,
  isProject,
  new: target,
}: Pick<MoveRecord, "kind" | "old" | "isProject" | "new">): string {
  const names = [old, ...(target === undefined ? [] : [target])].join(" ");
  const project = isProject ? " --project" : "";
  if (kind === "move") return `registry-ctl move ${names}${project}`;
  if (kind === "hold") return `registry-ctl move --hold ${names}${project}`;
  return kind === "finish"
    ? `registry-ctl move --finish ${names}`
    : `registry-ctl move --finish --back ${old}`;
}

/** Tells whether two names, each alone or with all below it, have a repository in common. */
export function overlaps(
  one: { name: string; isProject: boolean },
  other: { name: string; isProject: boolean },
): boolean {
  if (one.name === other.name) return true;
  return (
    (one.isProject && other.name.startsWith(`${one.name}/`)) ||
    (other.isProject && one.name.startsWith(`${other.name}/`))
  );
}
