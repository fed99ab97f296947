import { UsageError } from "../../errors.ts";
import { checkRepositoryName } from "../../oci/reference.ts";
import { parkedName } from "../../registry/parked.ts";
import type { MoveKind } from "../../state/move-record.ts";

/** What somebody wants of a move. */
export interface MoveRequest {
  kind: MoveKind;
  /** The name that the repositories had at first. */
  old: string;
  /** The name that they are to have; undefined only for `hold`, if it is not yet known, and `back`. */
  new: string | undefined;
  /** All at and below the name, not just the one of that name. */
  isProject: boolean;
  /** Links come to those that the new names have already. */
  merge: boolean;
}

/** The names in the store between which a request moves repositories. */
export interface MovedNames {
  from: string;
  to: string;
}

/** @returns where the repositories of a request lie, and where they are to lie */
export function namesOf({ kind, old, new: target }: MoveRequest): MovedNames {
  if (kind === "hold") return { from: old, to: parkedName(old) };
  if (kind === "back") return { from: parkedName(old), to: old };
  if (target === undefined) throw new UsageError("the new name is missing");
  return { from: kind === "finish" ? parkedName(old) : old, to: target };
}

/** @returns the name that one of the repositories gets */
export function targetOf(name: string, { from, to }: MovedNames): string {
  return to + name.slice(from.length);
}

/**
 * @throws {InvalidReferenceError} if a name is no repository's
 * @throws {UsageError} if the names are the same, or a project would move into itself
 */
export function checkMoveRequest({ kind, old, new: target, isProject }: MoveRequest): void {
  checkRepositoryName(old);
  if (target === undefined) return;
  checkRepositoryName(target);
  if (kind === "finish") return;
  if (old === target) throw new UsageError(`the old name and the new one are both ${old}`);
  if (!isProject) return;
  const [outer, inner] = old.length < target.length ? [old, target] : [target, old];
  if (!inner.startsWith(`${outer}/`)) return;
  throw new UsageError(
    `${inner} is below ${outer}: what is moved could not be told from what is there already`,
    { hint: "move the project to a name outside first, and then from there" },
  );
}
