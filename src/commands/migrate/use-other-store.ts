import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import type { Held } from "../../operations/hold/hold-registry.ts";
import type { SwitchReport } from "../../operations/migrate/migration-report.ts";
import { switchStore } from "../../operations/migrate/switch-store.ts";
import { type SwitchRequest, switchTexts, withoutHold } from "../../operations/migrate/switch-texts.ts";
import { saysReadOnly } from "../../operations/readonly/read-only-key.ts";
import { readConfigFile } from "../../process/files/config-files.ts";
import { keepConfig, requireWritable } from "./keep-config.ts";
import { openSwitch } from "./open-switch.ts";
import { type MigrationSession, storeClocks } from "./session.ts";
import { useByGitlab } from "./use-by-gitlab.ts";

/** What is to stand in the configuration. */
export interface StoreChange extends SwitchRequest {
  to: "target" | "source";
  /** The command's own argument. */
  argument: string | undefined;
}

/**
 * To be called before anybody is kept from pushing.
 *
 * @throws {ConfigError} if the file cannot be changed so
 * @throws {ReadOnlyFileError} if it cannot be written
 */
export function requirePossible(change: StoreChange): void {
  switchTexts(change);
  if (gitlabPackageOf(change.file) === undefined) requireWritable(change.file);
}

/**
 * Has a registry that is held read-only use the other store.
 *
 * @throws {RegistryCtlError} if it could not be changed; all is as before then, and writable, or the message says otherwise
 */
export async function useOtherStore(
  session: MigrationSession,
  held: Held,
  change: StoreChange,
): Promise<SwitchReport> {
  const { journal } = session;
  const { file, to } = change;
  let prepared: Awaited<ReturnType<typeof prepare>>;
  try {
    prepared = await prepare(session, change);
  } catch (error) {
    await session.locks.release();
    await held.release();
    throw error;
  }
  const { hands, before, texts, keptConfig, start } = prepared;
  if (gitlabPackageOf(file) !== undefined)
    return useByGitlab(session, held, { change, texts, keptConfig, start, hands });
  return switchStore(hands, journal, held, { to, before, texts, keptConfig, start });
}

/** All that can go wrong before anything is changed. */
async function prepare(session: MigrationSession, change: StoreChange) {
  const { journal, to } = session;
  const { file, argument, redirects } = change;
  const expectsRedirect = redirects === true && "bucket" in to.settings;
  const hands = await openSwitch(session, { file, argument, expectsRedirect });
  const before = readConfigFile(file);
  const original = withoutHold(before, file, change.original);
  const texts = switchTexts({ ...change, original });
  const known = change.to === "source" ? journal.record.keptConfig : undefined;
  const start = { ...(await storeClocks(session)), wasReadOnly: saysReadOnly(original, file) };
  return { hands, before, texts, start, keptConfig: known ?? keepConfig(file, original, journal.folder) };
}
