import { gitlabPackageOf } from "../../config/gitlab-package.ts";
import type { Service } from "../../control/service.ts";
import { RegistryStateError } from "../../errors.ts";
import type { UndoConfiguration } from "../../state/duty.ts";
import { changeReadOnly, textDigest } from "../readonly/read-only-key.ts";
import {
  describeFacts,
  isProvedReadOnly,
  isProvedReadWrite,
  isUnprovable,
  type RegistryFacts,
  unprovable,
  waitForFacts,
} from "../readonly/registry-facts.ts";
import { askWrites, type HeldByDuty, type HoldDependencies, type HoldOptions } from "./hold-registry.ts";
import { underDuty } from "./under-duty.ts";

const SETTLE_MS = 60_000;
/** One that still takes writes so long after its restart has another configuration. */
const STUBBORN_MS = 10_000;

/**
 * Makes a registry read-only that has no control socket: by its configuration file, and a start with it.
 *
 * @param registry.facts - what it answers now
 * @throws {RegistryStateError} if that could not be proved, or is not proved afterwards
 */
export async function holdConfiguration(
  dependencies: HoldDependencies,
  options: HoldOptions,
  { service, facts }: { service: Service; facts: RegistryFacts },
): Promise<HeldByDuty> {
  const { ask, files, place } = dependencies;
  if (isUnprovable(facts)) throw unprovable(facts);
  const file = place.config;
  if (file === undefined) {
    throw new RegistryStateError(
      "the registry can be made read-only by its configuration file only, and none is named",
      {
        hint: "name it: --config FILE",
      },
    );
  }
  if (gitlabPackageOf(file) !== undefined) {
    throw new RegistryStateError(
      `GitLab's package writes ${file}: what is changed in it may be gone at any time, and the registry take writes again`,
      {
        hint: 'make the registry read-only with "registry-ctl readonly on" first; or stop it for the run, with --mode offline and --service runit:registry',
      },
    );
  }
  const { before, after, wasReadOnly } = changeReadOnly(files.read(file), file, true);
  const undo: UndoConfiguration = {
    ...{ kind: "configuration", file, original: before, writtenSha256: textDigest(after), wasReadOnly },
    ...{ service: service.spec, wasRunning: true },
  };
  return underDuty(dependencies, options, {
    undo,
    how: `the registry is read-only by ${file} until this run has ended`,
    check: () => askWrites(ask),
    change: async () => {
      options.onNotice(`making the registry read-only: ${file}, then a restart of ${service.describe()}`);
      if (after !== before) await files.replace(file, after, before);
      await service.restart();
      const { settleMs: timeoutMs = SETTLE_MS, signal } = options;
      const startedMs = performance.now();
      const isSettled = (found: RegistryFacts): boolean =>
        isProvedReadOnly(found) ||
        (isProvedReadWrite(found) && performance.now() - startedMs > Math.min(STUBBORN_MS, timeoutMs));
      const now = await waitForFacts(ask, isSettled, { timeoutMs, signal });
      if (isProvedReadOnly(now)) return;
      throw new RegistryStateError(
        `the registry is not read-only although ${file} says so: ${describeFacts(now)}`,
        {
          hint: `look whether ${service.describe()} reads ${file}, and what it logs`,
        },
      );
    },
  });
}
