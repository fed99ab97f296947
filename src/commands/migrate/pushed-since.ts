import { RegistryStateError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type LatePushes, manifestsPushedSince } from "../../operations/migrate/late-pushes.ts";
import type { MigrationSwitch } from "../../state/migration-record.ts";
import type { MigrationSession, OpenedStore } from "./session.ts";

const NAMES_SHOWN = 5;

/** What was pushed to the two stores of a change that was left half done, since it was begun. */
export interface PushedSince {
  /** To the store that was to be left. */
  left: LatePushes;
  /** To the one that was to be used. */
  taken: LatePushes;
}

/**
 * Somebody may have let the registry write to either store since then: what only one of both has must not be lost.
 *
 * @throws {RegistryStateError} if a store cannot be looked at
 */
export async function pushedSince(
  session: MigrationSession,
  { leftAt, takenAt }: MigrationSwitch,
): Promise<PushedSince> {
  const { from, to } = session;
  return { left: await pushesTo(session, from, leftAt), taken: await pushesTo(session, to, takenAt) };
}

/** @throws {RegistryStateError} that names what would be lost if the registry went back to the store that was to be left */
export function refuseLost(
  { journal }: MigrationSession,
  { left, taken }: PushedSince,
  { file, leftName, takenName }: { file: string; leftName: string; takenName: string },
): void {
  if (taken.total === 0) return;
  const since = "since the change of the registry was begun that was left half done";
  if (left.total === 0) {
    throw new RegistryStateError(
      `${takenName} has got pushes ${since}, and ${file} does not name it: ${listOf(taken)}`,
      {
        hint: `let ${file} name it again, then run the same command`,
      },
    );
  }
  throw new RegistryStateError(
    `both stores have got pushes ${since}: ${leftName} ${listOf(left)}; ${takenName} ${listOf(taken)}`,
    {
      hint: `nothing was changed; choose one of both in ${file}, push to that again what only the other one has, and remove ${journal.folder}: the move is forgotten then`,
    },
  );
}

/** @returns a few of the names, for people */
export function listOf({ names, total }: LatePushes): string {
  const more = total > NAMES_SHOWN ? ` and ${total - NAMES_SHOWN} more` : "";
  return `${names.slice(0, NAMES_SHOWN).join(", ")}${more}`;
}

async function pushesTo(
  { context, journal }: MigrationSession,
  { driver }: OpenedStore,
  since: string,
): Promise<LatePushes> {
  try {
    return await manifestsPushedSince(driver, Date.parse(since), context.signal);
  } catch (cause) {
    if (context.signal.aborted) throw cause;
    throw new RegistryStateError(
      `what was pushed to ${driver.location} since the change was begun cannot be told: ${messageOf(cause)}`,
      {
        cause,
        hint: `make that store reachable again: the registry stays read-only until this has ended. If it is gone for good, "registry-ctl readonly off --persist" lets the registry write where it is, and ${journal.folder} may be removed`,
      },
    );
  }
}
