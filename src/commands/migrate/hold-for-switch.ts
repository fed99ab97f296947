import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import type { Held } from "../../operations/hold/hold-registry.ts";
import { isDown, isProvedReadOnly } from "../../operations/readonly/registry-facts.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { otherStores } from "../garbage-collect/ask-registries.ts";
import { changeByGitlab } from "../readonly/change-by-gitlab.ts";
import { openHold } from "../readonly/open-hold.ts";
import { openRegistry } from "../readonly/open-registry.ts";
import { openOther } from "./open-stores.ts";
import { holdReason } from "./open-switch.ts";
import type { MigrationSession } from "./session.ts";

/**
 * Makes the registry read-only until the switch is over. Where GitLab's package writes the configuration of a registry that is not ours, the
 * lines for gitlab.rb are printed, and it is waited until they count. Both stores are locked then.
 *
 * @param file - the configuration
 * @throws {RegistryStateError} if that cannot be proved; it is as before then
 */
export async function holdForSwitch(session: MigrationSession, file: string): Promise<Held> {
  const { context, config, flags } = session;
  const notice = (text: string): void => context.notice(text, flags);
  // What runs with this file and stores elsewhere would not be where it is thought to be.
  const [elsewhere] = otherStores(await findRegistries(config), notice);
  if (elsewhere !== undefined) throw elsewhere;
  if (gitlabPackageOf(file) !== undefined) {
    const opened = await openRegistry(context, config, flags);
    const facts = await opened.dependencies.ask();
    if (opened.server === undefined && !isDown(facts) && !isProvedReadOnly(facts)) {
      const wanted = { readOnly: true, report: undefined };
      await changeByGitlab(context, opened, wanted, { ...flags, wait: flags.timeout, timeout: flags.drain });
    }
  }
  await session.locks.lockSource(await openOther(context, session.from.settings, flags));
  const held = await openHold(context, config, flags, {
    ...{ mode: "read-only", reason: holdReason(session), drainMs: flags.drain },
  });
  context.notice(held.how, flags);
  const check = async (): ReturnType<Held["check"]> => {
    await session.locks.check();
    return held.check();
  };
  return { ...held, check };
}
