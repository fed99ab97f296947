import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import { RegistryStateError } from "../../errors.ts";
import type { Held } from "../../operations/hold/hold-registry.ts";
import type { SwitchReport } from "../../operations/migrate/migration-report.ts";
import {
  beginSwitch,
  endSwitch,
  type SwitchHands,
  type SwitchStart,
} from "../../operations/migrate/switch-store.ts";
import { identityOf, type SwitchedTexts } from "../../operations/migrate/switch-texts.ts";
import { gitlabReadOnlyBlock } from "../../operations/readonly/gitlab-block.ts";
import { pause } from "../../operations/readonly/registry-facts.ts";
import { readConfigFile } from "../../process/files/config-files.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import type { MigrationSession } from "./session.ts";
import type { StoreChange } from "./use-other-store.ts";

const LOOK_EVERY_MS = 2000;

/** What the rendered file is to say. */
export interface GitlabSwitch {
  change: StoreChange;
  texts: SwitchedTexts;
  keptConfig: string;
  start: SwitchStart;
  hands: SwitchHands;
}

/**
 * Prints what has to stand in gitlab.rb, and waits until the rendered file and the running registry both use the other store. The
 * registry stays read-only until then, also when this is given up.
 *
 * @throws {RegistryStateError} if that takes longer than `--timeout`
 */
export async function useByGitlab(
  session: MigrationSession,
  held: Held,
  { change, texts, keptConfig, start, hands }: GitlabSwitch,
): Promise<SwitchReport> {
  const { context, journal, flags } = session;
  const { file, to } = change;
  const gitlabRb = gitlabPackageOf(file)?.gitlabRb ?? "gitlab.rb";
  await beginSwitch(journal, held, { to, keptConfig, start, startedAt: new Date().toISOString() });
  const lines = [
    `GitLab's package writes ${file}: set this in ${gitlabRb}, with the keys of the store in the place of ***, then run gitlab-ctl reconfigure:`,
    ...gitlabReadOnlyBlock(texts.after, file, false).map((line) => `    ${line}`),
    "the registry takes no writes until then",
  ];
  context.stderr.write(`${lines.join("\n")}\n`);
  const progress = context.progress("waiting for gitlab-ctl reconfigure", flags);
  try {
    const deadlineMs = performance.now() + flags.timeout;
    while (!(await isThere(session, change))) {
      if (performance.now() >= deadlineMs) throw notYet(change, gitlabRb);
      await pause(LOOK_EVERY_MS, context.signal);
    }
  } finally {
    progress.stop();
  }
  const now = readConfigFile(file);
  const probes = await hands.probePull();
  return endSwitch(hands, journal, { to, tried: now, after: now, keptConfig, probes, runs: true });
}

async function isThere(session: MigrationSession, { file, env, identity }: StoreChange): Promise<boolean> {
  const { context, flags } = session;
  if (identityOf(readConfigFile(file), file, env) !== identity) return false;
  const { config: _, ...rest } = flags;
  const after = await context.loadConfig({ argument: file, flags: rest, silent: true });
  return (await findRegistries(after)).some(({ usesOurStore }) => usesOurStore === true);
}

function notYet({ file, env, identity, to }: StoreChange, gitlabRb: string): RegistryStateError {
  const says = identityOf(readConfigFile(file), file, env) === identity;
  const what = says ? "the registry does not run with it" : "does not name the other store";
  return new RegistryStateError(`${file} ${says ? "names the other store, and " : ""}${what} yet`, {
    hint: `change ${gitlabRb}, run gitlab-ctl reconfigure, then: registry-ctl migrate ${to === "target" ? "finish" : "rollback"} ${file}; the registry takes no writes until then`,
  });
}
