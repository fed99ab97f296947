import { RegistryStateError, UsageError } from "../../errors.ts";
import type { MoveRequest } from "../../operations/move/move-request.ts";
import type { MoveRecord } from "../../state/move-record.ts";
import type { HoldFlags } from "../readonly/readonly-flags.ts";

/** What the command line says. */
export interface MoveFlags extends HoldFlags {
  project?: boolean;
  merge?: boolean;
  hold?: boolean;
  finish?: boolean;
  back?: boolean;
  status?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
  yes?: boolean;
  force?: boolean;
  mode?: "read-only" | "offline";
  /** In milliseconds. */
  timeout?: number;
}

/** @throws {UsageError} if options contradict each other, or the names do not go with them */
export function refuseMoveFlags(
  { hold, finish, back, status, ...flags }: MoveFlags,
  names: readonly string[],
): void {
  const chosen = [hold && "--hold", (finish || back) && "--finish", status && "--status"].filter(Boolean);
  if (chosen.length > 1) throw new UsageError(`${chosen[0]} and ${chosen[1]} contradict each other`);
  if (status && names.length > 0)
    throw new UsageError("--status shows all that is parked, and takes no name");
  if ((status || finish || back) && flags.project) {
    throw new UsageError("--project was said when the repositories were parked");
  }
  if (chosen.length > 0) return;
  if (names.length === 2) return;
  throw new UsageError("move takes the old name and the new one", {
    hint: "registry-ctl move group/old group/new; see registry-ctl move --help",
  });
}

/**
 * @param parked - what is parked
 * @throws {UsageError} if a name is missing
 * @throws {RegistryStateError} if nothing is parked, or it cannot be told what is meant
 */
export function readMoveRequest(
  flags: MoveFlags,
  [first, second]: readonly string[],
  parked: readonly MoveRecord[],
): MoveRequest {
  const { project: isProject = false, merge = false, hold, finish, back } = flags;
  if (hold) {
    if (first === undefined) throw new UsageError("--hold takes the name of what is to be parked");
    return { kind: "hold", old: first, new: second, isProject, merge: false };
  }
  if (!finish && !back) {
    if (first === undefined || second === undefined) throw new UsageError("move takes two names");
    return { kind: "move", old: first, new: second, isProject, merge };
  }
  if (back) {
    if (second !== undefined) throw new UsageError("--back takes one name: the one that they had");
    const record = meant(parked, first);
    return { kind: "back", old: record.old, new: undefined, isProject: record.isProject, merge };
  }
  const record = meant(parked, second === undefined ? undefined : first);
  const target = second ?? first ?? record.new;
  if (target === undefined) {
    throw new UsageError(`the new name of ${record.old} is missing`, {
      hint: `registry-ctl move --finish ${record.old} NEW`,
    });
  }
  return { kind: "finish", old: record.old, new: target, isProject: record.isProject, merge };
}

/** What was not finished may be given names again. */
function meant(parked: readonly MoveRecord[], old: string | undefined): MoveRecord {
  const [only, another] = old === undefined ? parked : parked.filter((record) => record.old === old);
  if (only !== undefined && another === undefined) return only;
  if (only === undefined) {
    throw new RegistryStateError(old === undefined ? "nothing is parked" : `${old} is not parked`, {
      hint: "registry-ctl move --status shows what is",
    });
  }
  const names = parked.map((record) => record.old).join(", ");
  throw new UsageError(`several are parked: ${names}`, {
    hint: "name the one that is meant by its old name first",
  });
}
