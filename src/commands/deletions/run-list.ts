import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { type ListedDeletions, listDeletions } from "../../operations/deletions/list-deletions.ts";
import { isStoredName } from "../../registry/parked.ts";
import type { CommandContext } from "../context.ts";
import { type DeletionsFlags, openDeletions } from "./open-deletions.ts";
import { renderDeletions } from "./render.ts";

/** Runs `deletions list`. */
export async function runListDeletions(
  context: CommandContext,
  repositories: readonly string[],
  flags: DeletionsFlags,
): Promise<void> {
  checkRepositories(repositories);
  const deletions = await openDeletions(context, flags, "look");
  const listed: ListedDeletions = listDeletions(deletions, repositories);
  context.report(
    { schemaVersion: 1, command: "deletions list", ...listed },
    (result) => printable(renderDeletions(result)),
    flags,
  );
}

/** @throws {UsageError} if one of them is no name of a repository */
export function checkRepositories(repositories: readonly string[]): void {
  const wrong = repositories.find((name) => !isStoredName(name));
  if (wrong !== undefined) throw new UsageError(`${JSON.stringify(wrong)} is no name of a repository`);
}
