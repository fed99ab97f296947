import type { MigrationReport } from "../../operations/migrate/migration-report.ts";
import { recordedSection } from "../../operations/migrate/switch-texts.ts";
import { readConfigFile } from "../../process/files/config-files.ts";
import { storeIdentity } from "../../state/store-identity.ts";
import { type CopyRequest, finish, since } from "./copy-and-report.ts";
import { copyLast, reportNotSame } from "./copy-last.ts";
import { exposedKeys } from "./exposed-keys.ts";
import { holdForSwitch } from "./hold-for-switch.ts";
import { markSource, markTarget } from "./mark-stores.ts";
import { nextAfterSwitch } from "./next-steps.ts";
import { registryEnvironment } from "./open-session.ts";
import { requireFile } from "./require-file.ts";
import type { MigrationSession } from "./session.ts";
import { requirePossible, type StoreChange, useOtherStore } from "./use-other-store.ts";

/** What a run has done before the registry is held. */
export interface CutOverState {
  base: Omit<MigrationReport, "outcome" | "next" | "seconds">;
  startedMs: number;
}

/** Holds the registry read-only, copies the last differences, compares both stores, and has the registry use the target. */
export async function cutOverAndReport(
  session: MigrationSession,
  request: CopyRequest,
  { base, startedMs }: CutOverState,
): Promise<void> {
  const { journal } = session;
  const change = await plannedChange(session, request.argument);
  journal.update({ phase: "cutting-over" });
  const heldMs = performance.now();
  const held = await holdForSwitch(session, change.file);
  const copied = await copyLast(session, held, {
    otherwise: "copied",
    onSame: async () => {
      await markSource(session);
      journal.update({ phase: "verified" });
    },
  });
  if (!copied.isSame) {
    const next = "the registry uses the old store, and takes writes again; nothing was changed";
    reportNotSame(session, copied, { base, startedMs, next });
    return;
  }
  const switched = await useOtherStore(session, held, change);
  const exposed = exposedKeys(switched.config, session.to.settings);
  const warnings = [...base.warnings, ...(await markTarget(session)), ...exposed];
  const report: MigrationReport = {
    ...{ ...base, warnings, outcome: "switched", next: nextAfterSwitch(session, switched, held.how) },
    ...(copied.comparison === undefined ? {} : { comparison: copied.comparison }),
    switched: { ...switched, readOnlySeconds: since(heldMs) },
    seconds: since(startedMs),
  };
  finish(session, report);
}

/** Finds out what will stand in the configuration before anybody is kept from pushing. */
async function plannedChange(session: MigrationSession, argument: string | undefined): Promise<StoreChange> {
  const { context, config, flags, journal, to } = session;
  const file = requireFile(config, context);
  const change: StoreChange = {
    to: "target",
    ...{ file, argument, env: await registryEnvironment(context, flags), original: readConfigFile(file) },
    section: recordedSection(journal.record.target.section),
    identity: storeIdentity(to.settings),
    redirects: "bucket" in to.settings ? "redirect" in flags && flags.redirect === true : undefined,
  };
  requirePossible(change);
  return change;
}
