import { RegistryStateError, UsageError } from "../../errors.ts";
import { countOf } from "../../lib/count-of.ts";
import { originOfParked } from "../../registry/parked.ts";
import { commandOf, type MoveRecord, overlaps } from "../../state/move-record.ts";
import { type MovedNames, type MoveRequest, namesOf } from "./move-request.ts";
import type { MovePlan } from "./plan-move.ts";

const CONFLICTS_TOLD = 10;

/** @returns the record of the move that a request does the rest of */
export function resumedBy(request: MoveRequest, records: readonly MoveRecord[]): MoveRecord | undefined {
  return records.find(
    ({ phase, kind, old, isProject, new: target }) =>
      phase === "moving" &&
      kind === request.kind &&
      old === request.old &&
      isProject === request.isProject &&
      (target === request.new || kind === "hold" || kind === "back"),
  );
}

/** @returns a move that was not finished and that has a name in common with the request, if it is another one */
export function otherMove(request: MoveRequest, records: readonly MoveRecord[]): MoveRecord | undefined {
  const own = resumedBy(request, records);
  return records.find((record) => {
    if (record === own || record.phase !== "moving") return false;
    return wholeNames(record).some((theirs) => wholeNames(request).some((ours) => overlaps(ours, theirs)));
  });
}

function wholeNames(move: {
  kind: MoveRequest["kind"];
  old: string;
  new?: string | undefined;
  isProject: boolean;
}): { name: string; isProject: boolean }[] {
  const { from, to } = namesOf({ ...move, new: move.new, merge: false });
  return [from, to].map((name) => ({ name, isProject: move.isProject }));
}

/** @returns why a move must wait for another one */
export function unfinished(record: MoveRecord): RegistryStateError {
  const { old, new: target, startedAt, host } = record;
  const to = target === undefined ? "" : ` to ${target}`;
  return new RegistryStateError(
    `the move of ${old}${to}, begun ${startedAt} on ${host}, is not finished: some of its repositories have both names`,
    { hint: `finish it first: ${commandOf(record)}` },
  );
}

/** @returns why nothing can be moved */
export function nothingThere({ from }: MovedNames, { isProject, kind }: MoveRequest): UsageError {
  const origin = originOfParked(from);
  if (origin !== undefined) {
    return new UsageError(`nothing is parked of ${origin}`, {
      hint: "registry-ctl move --status shows what is parked",
    });
  }
  const what = isProject ? `no repository at or below ${from}` : `no repository ${from}`;
  const flag = kind === "hold" ? " --hold" : "";
  return new UsageError(`there is ${what}`, {
    hint: isProject
      ? "look for the name in what registry-ctl usage shows"
      : `look for the name in what registry-ctl usage shows; registry-ctl move${flag} --project moves what is below it`,
  });
}

/** @returns why a plan must not be carried out; undefined if it may */
export function planProblem(
  plan: MovePlan,
  { merge, kind }: MoveRequest,
  isResumed: boolean,
): RegistryStateError | undefined {
  const existing = plan.repositories.filter(({ exists }) => exists);
  const [first] = existing;
  if (first !== undefined && !merge && !isResumed) {
    const more = existing.length > 1 ? ` and ${existing.length - 1} more` : "";
    const origin = originOfParked(first.to);
    const message =
      origin === undefined
        ? `there is a repository ${first.to} already${more}`
        : `a repository ${origin} is parked already${more}`;
    return new RegistryStateError(message, {
      hint:
        kind === "hold"
          ? "finish that first: registry-ctl move --status shows what is parked"
          : "choose another name, or add to what is there with --merge",
    });
  }
  const { conflicts } = plan;
  if (conflicts.length === 0) return undefined;
  const told = conflicts
    .slice(0, CONFLICTS_TOLD)
    .map(
      ({ from, to, tag, fromDigest, toDigest }) =>
        `${from}:${tag} (${fromDigest}) and ${to}:${tag} (${toDigest})`,
    );
  const more = conflicts.length > told.length ? `, and ${conflicts.length - told.length} more` : "";
  return new RegistryStateError(
    `${countOf(conflicts.length, "tag")} would have to point to two manifests: ${told.join(", ")}${more}`,
    { hint: "delete the one that is not needed on either side, then run it again" },
  );
}
