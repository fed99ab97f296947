import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import { RegistryStateError } from "../../errors.ts";
import { gitlabReadOnlyBlock } from "../../operations/readonly/gitlab-block.ts";
import { saysReadOnly } from "../../operations/readonly/read-only-key.ts";
import { proofOf, type ReadOnlyReport } from "../../operations/readonly/read-only-report.ts";
import {
  describeFacts,
  isProvedReadOnly,
  isProvedReadWrite,
  isUnprovable,
  pause,
  type RegistryFacts,
} from "../../operations/readonly/registry-facts.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import type { OpenedRegistry } from "./open-registry.ts";
import { planOf } from "./planned-report.ts";
import type { ReadOnlyFlags } from "./readonly-flags.ts";

const LOOK_EVERY_MS = 2000;

/**
 * Prints what has to stand in gitlab.rb, and waits until the rendered file and the registry both have it.
 *
 * @param change.report - what was done to our running server; undefined: the registry is another one
 * @throws {RegistryStateError} if that takes longer than `--wait`
 */
export async function changeByGitlab(
  context: CommandContext,
  opened: OpenedRegistry,
  { readOnly, report }: { readOnly: boolean; report: ReadOnlyReport | undefined },
  flags: ReadOnlyFlags,
): Promise<ReadOnlyReport> {
  const { file, dependencies } = opened;
  const gitlab = file === undefined ? undefined : gitlabPackageOf(file);
  if (file === undefined || gitlab === undefined) throw new Error("no file of GitLab's package");
  if (flags.for !== undefined && report === undefined) {
    throw new RegistryStateError("--for cannot be kept where GitLab's package writes the configuration", {
      hint: "leave it out, and run readonly off when it is time",
    });
  }
  const { files, ask } = dependencies;
  const look = (): boolean => saysReadOnly(files.read(file), file);
  const wasReadOnly = look();
  if (wasReadOnly !== readOnly) {
    const block = gitlabReadOnlyBlock(files.read(file), file, readOnly);
    const lines = [
      `GitLab's package writes ${file}: set this in ${gitlab.gitlabRb}, then run gitlab-ctl reconfigure:`,
      ...block.map((line) => `    ${line}`),
    ];
    context.stderr.write(`${lines.join("\n")}\n`);
  }
  if (isDryRun(flags)) return report ?? planOf(opened, readOnly, undefined);
  const isThere = (facts: RegistryFacts): boolean =>
    look() === readOnly &&
    (report !== undefined ||
      (readOnly ? isProvedReadOnly(facts) : isProvedReadWrite(facts) || isUnprovable(facts)));
  const facts = await waitForPackage(context, { ask, isThere }, flags);
  if (!isThere(facts)) {
    throw new RegistryStateError(
      `${file} says ${look() ? "read-only" : "read-write"}, and ${describeFacts(facts)}`,
      { hint: `change ${gitlab.gitlabRb}, run gitlab-ctl reconfigure, then this command again` },
    );
  }
  return {
    ...(report ?? {
      ...{ schemaVersion: 1, command: readOnly ? "readonly on" : "readonly off", dryRun: false },
      ...{ by: "configuration", readOnly, unchanged: wasReadOnly === readOnly, byConfiguration: readOnly },
      ...{ cutOff: 0, ...proofOf(facts, readOnly, "none"), otherServers: [], warnings: [] },
    }),
    file: { path: file, readOnly, changed: wasReadOnly !== readOnly },
  };
}

async function waitForPackage(
  context: CommandContext,
  { ask, isThere }: { ask: () => Promise<RegistryFacts>; isThere: (facts: RegistryFacts) => boolean },
  flags: ReadOnlyFlags,
): Promise<RegistryFacts> {
  const deadlineMs = performance.now() + flags.wait;
  const progress = context.progress("waiting for gitlab-ctl reconfigure", flags);
  try {
    for (;;) {
      const facts = await ask();
      if (isThere(facts) || performance.now() >= deadlineMs) return facts;
      await pause(LOOK_EVERY_MS, context.signal);
    }
  } finally {
    progress.stop();
  }
}
