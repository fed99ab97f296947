import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import type { ComparableConfig } from "../../config/load-config.ts";
import { storeName } from "../../config/store-name.ts";
import { RegistryStateError } from "../../errors.ts";
import type { Held } from "../../operations/hold/hold-registry.ts";
import type { SwitchReport } from "../../operations/migrate/migration-report.ts";
import { endSwitch, whereItWas } from "../../operations/migrate/switch-store.ts";
import { identityOf, recordedSection, switchTexts } from "../../operations/migrate/switch-texts.ts";
import { changeReadOnly } from "../../operations/readonly/read-only-key.ts";
import { isProvedReadWrite } from "../../operations/readonly/registry-facts.ts";
import { locateServer } from "../../process/control/find-server.ts";
import { readConfigFile, replaceConfigFile } from "../../process/files/config-files.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import type { MigrationStore } from "../../state/migration-record.ts";
import { openRegistry } from "../readonly/open-registry.ts";
import { registryEnvironment, settingsOfRecorded } from "./open-session.ts";
import { openSwitch } from "./open-switch.ts";
import { listOf, type PushedSince, pushedSince, refuseLost } from "./pushed-since.ts";
import type { MigrationSession } from "./session.ts";
import { useByGitlab } from "./use-by-gitlab.ts";

/** The run that has begun the change has made the registry read-only for good. */
const ALREADY_HELD: Held = {
  how: "",
  check: async () => ({ kind: "read-only" }),
  release: async () => undefined,
};

/**
 * Goes on with a change of the store that was left half done: ends it where the configuration names the other store already and nobody has
 * written to the old one since; else everything is put back to where it was before.
 *
 * @param session - `to` is the store that the registry is to use
 * @returns undefined if all is as before the change, and writable: it has to begin again
 * @throws {RegistryStateError} if pushes would be lost either way
 */
export async function resumeSwitch(
  session: MigrationSession,
  { file, argument }: { file: string; argument: string | undefined },
): Promise<SwitchReport | undefined> {
  const { context, flags, config, journal } = session;
  const { record } = journal;
  const { switching } = record;
  if (switching === undefined) throw new Error("no change was left half done");
  const { to, wasReadOnly } = switching;
  const [wanted, other] = to === "target" ? [record.target, record.source] : [record.source, record.target];
  const env = await registryEnvironment(context, flags);
  const text = readConfigFile(file);
  const hands = await openSwitch(session, { file, argument, expectsRedirect: false });
  const keptConfig = record.keptConfig ?? file;
  const isNamed = identityOf(text, file, env) === wanted.identity;
  const isRendered = gitlabPackageOf(file) !== undefined;
  const since = await pushedSince(session, switching);
  const textsWith = ({ section, identity }: MigrationStore) => {
    const request = { original: text, file, redirects: undefined, identity, env };
    return { ...request, section: recordedSection(section) };
  };
  if (isNamed && isRendered && since.left.total === 0) {
    const change = { to, argument, ...textsWith(wanted) };
    const texts = switchTexts(change);
    return useByGitlab(session, ALREADY_HELD, { change, texts, keptConfig, start: switching, hands });
  }
  const before = await configOf(config, other);
  if (isNamed && since.left.total === 0 && !(await takesWrites(session, before))) {
    context.notice(`going on: ${file} names ${wanted.name} already`, flags);
    const runs = await hands.take();
    const probes = runs ? await hands.probePull() : ["the registry does not run: nothing was asked"];
    const after = changeReadOnly(text, file, wasReadOnly).after;
    return endSwitch(hands, journal, { to, tried: text, after, keptConfig, probes, runs });
  }
  refuseLost(session, since, { file, leftName: other.name, takenName: wanted.name });
  if (isNamed && isRendered) throw isRenderedAlready(file, other.name, since);
  if (isNamed) {
    const pushed = since.left.total === 0 ? "" : ` (${listOf(since.left)})`;
    context.notice(
      `somebody has let the registry write to ${other.name} since${pushed}: it goes back to that first`,
      flags,
    );
    const back = changeReadOnly(switchTexts(textsWith(other)).after, file, wasReadOnly).after;
    await replaceConfigFile(file, back, text);
    await hands.take();
  }
  await hands.endDuties();
  journal.forget("switching");
  journal.update({ phase: whereItWas(to) });
  return undefined;
}

function isRenderedAlready(file: string, left: string, { left: pushes }: PushedSince): RegistryStateError {
  return new RegistryStateError(
    `${left} has got pushes since the change was begun, and ${file} names the other store: ${listOf(pushes)}`,
    {
      hint: `let ${gitlabPackageOf(file)?.gitlabRb ?? "gitlab.rb"} name ${left} again, run gitlab-ctl reconfigure, then the same command`,
    },
  );
}

/** The store that is to be left may get pushes now, which nobody would see at the other one. */
async function takesWrites({ context, flags }: MigrationSession, before: ComparableConfig): Promise<boolean> {
  const server = await locateServer(before, flags);
  if (server !== undefined) {
    const { store, readOnly } = await server.control.status();
    return store === storeName(before.settings.storage) && !readOnly.on;
  }
  const usesOld = (await findRegistries(before)).some(({ usesOurStore }) => usesOurStore === true);
  if (!usesOld) return false;
  const { dependencies } = await openRegistry(context, before, flags);
  return isProvedReadWrite(await dependencies.ask());
}

async function configOf(config: ComparableConfig, store: MigrationStore): Promise<ComparableConfig> {
  return { ...config, settings: { ...config.settings, storage: await settingsOfRecorded(store) } };
}
