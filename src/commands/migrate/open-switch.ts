import { maskConfigText } from "../../config/edit/mask-config-text.ts";
import { probePull, probePush } from "../../operations/migrate/probe-registry.ts";
import type { SwitchHands } from "../../operations/migrate/switch-store.ts";
import { openDuties } from "../../process/duties/open-duties.ts";
import { readConfigFile, replaceConfigFile } from "../../process/files/config-files.ts";
import { chooseService } from "../../process/service/choose-service.ts";
import { probeTargetOf } from "../../process/service/host.ts";
import { coloursFor } from "../../ui/colour.ts";
import { renderDiff } from "../../ui/render-diff.ts";
import { readProbeKey } from "../garbage-collect/probe-authorization.ts";
import { endKeptDuty } from "../readonly/end-kept-duty.ts";
import type { MigrationSession } from "./session.ts";
import { takeConfiguration } from "./take-configuration.ts";
import { untilFreed } from "./until-freed.ts";

/** @returns why the registry is held for a move; duties are known again by it */
export function holdReason(session: MigrationSession): string {
  return `${reasonPrefix(session.journal.record.id)} to ${session.to.settings.driver}`;
}

function reasonPrefix(id: string): string {
  return `migrate ${id}`;
}

/**
 * @param store - the store that the registry is to use
 * @returns what changes a registry to it
 */
export async function openSwitch(
  session: MigrationSession,
  {
    file,
    argument,
    expectsRedirect,
  }: { file: string; argument: string | undefined; expectsRedirect: boolean },
): Promise<SwitchHands> {
  const { context, flags, config, journal, locks, to } = session;
  const chosen = chooseService(flags, config, context);
  const authorize = await readProbeKey(flags.key, { cwd: context.cwd, auth: config.settings.auth });
  const place = async () => ({ ...probeTargetOf(config), authorization: await authorize?.() });
  const duties = openDuties(flags.stateDir);
  const onNotice = (text: string): void => context.notice(text, flags);
  const load = () =>
    context.loadConfig({ argument: argument ?? file, flags: withoutConfig(flags), silent: true });
  return {
    files: { read: readConfigFile, replace: replaceConfigFile },
    file,
    take: async () => {
      const runs = await takeConfiguration(context, { load, before: config, service: chosen.service, flags });
      const remembered = runs ? chosen.remember() : undefined;
      if (remembered !== undefined) onNotice(remembered);
      return runs;
    },
    probePull: async () => probePull(await place(), to.driver, expectsRedirect),
    probePush: async () => probePush(await place()),
    endDuties: async () => {
      await locks.release();
      for (const kept of duties.list()) {
        if (kept.duty.reason.startsWith(`${reasonPrefix(journal.record.id)} `))
          await endKeptDuty(duties, kept);
      }
      await untilFreed(load, flags);
    },
    show: (before, after) => {
      const colours = coloursFor(context.stderr, { env: context.env, noColor: flags.color === false });
      const diff = renderDiff({ path: file, before, after, mask: maskConfigText }, colours);
      if (diff !== "" && !flags.quiet) context.stderr.write(`${diff}\n`);
    },
    nowMs: Date.now,
    onNotice,
  };
}

/** The argument names the file already. */
function withoutConfig<T extends { config?: string }>(flags: T): Omit<T, "config"> {
  const { config: _, ...rest } = flags;
  return rest;
}
