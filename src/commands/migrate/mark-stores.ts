import { storeName } from "../../config/store-name.ts";
import { messageOf } from "../../lib/message-of.ts";
import { printable } from "../../lib/printable.ts";
import { readMark, writeMark } from "../../operations/migrate/target-mark.ts";
import { openOther } from "./open-stores.ts";
import type { MigrationSession } from "./session.ts";

/** By its mark the old store is known again, if somebody wants to go back to it. */
export async function markSource(session: MigrationSession): Promise<void> {
  const { context, flags, journal, from } = session;
  const { id, startedAt, target } = journal.record;
  try {
    const writable = await openOther(context, from.settings, flags);
    await writeMark(writable, { id, role: "source", source: target.name, startedAt });
    journal.update({ isSourceMarked: true });
  } catch (error) {
    context.stderr.write(
      `warning: ${storeName(from.settings)} cannot be marked (${printable(messageOf(error))}): "migrate rollback" will not believe that it is the old store\n`,
    );
  }
}

/**
 * Says at the target that the registry uses it.
 *
 * @returns why that could not be done
 */
export async function markTarget({ journal, to, from }: MigrationSession): Promise<string[]> {
  const { id, startedAt, switchedAt } = journal.record;
  try {
    const mark = (await readMark(to.driver)) ?? { id, source: storeName(from.settings), startedAt };
    await writeMark(to.driver, { ...mark, ...(switchedAt === undefined ? {} : { finishedAt: switchedAt }) });
    return [];
  } catch (error) {
    return [`the mark at the target could not be changed: ${messageOf(error)}`];
  }
}
