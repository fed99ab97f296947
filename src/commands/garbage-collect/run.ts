import { once } from "node:events";
import { probeWrites } from "../../client/write-probe.ts";
import type { HttpSettings, LoadedConfig } from "../../config/settings.ts";
import { RegistryStateError } from "../../errors.ts";
import { collectGarbage } from "../../operations/gc/collect-garbage.ts";
import { type FoundRegistry, findRegistries } from "../../process/find-registries.ts";
import { currentHolder } from "../../process/host-identity.ts";
import type { CollectionPlan } from "../../registry/plan/collection-plan.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { renderProgress, renderQuestion, renderReport } from "./render.ts";
import { renderPlan } from "./render-plan.ts";

/** What the command line says. */
export interface GarbageFlags extends GlobalFlags {
  deleteUntagged?: boolean;
  deleteManifests?: boolean;
  dryRun?: boolean;
  dryrun?: boolean;
  d?: boolean;
  grace: number;
  untaggedFor?: number;
  maxDelete?: number;
  concurrency: number;
  yes?: boolean;
  allowEmpty?: boolean;
  force?: boolean;
  skipIfLocked?: boolean;
}

const FAILED_IN_PART = 3;

/** Runs the command. */
export async function run(
  context: CommandContext,
  argument: string | undefined,
  flags: GarbageFlags,
): Promise<void> {
  const dryRun = isDryRun(flags) || Boolean(flags.d);
  const deleteUntagged = Boolean(flags.deleteUntagged || flags.deleteManifests);
  const config = await context.loadConfig({ argument, flags, destructive: !dryRun });
  const registries = await findRegistries(config);
  const driver = await context.openStorage(config, flags);
  let progress = context.progress("listing repositories", flags);
  const ask = async (question: string): Promise<void> => {
    progress.stop();
    await context.confirm(question, flags);
    progress = context.progress("deleting", flags);
  };
  const onPlan = async (plan: CollectionPlan): Promise<void> => {
    if (dryRun) {
      progress.stop();
      if (!flags.json) await print(context, renderPlan(plan));
    } else if (deleteUntagged && context.interactive && plan.eligible.blobs + plan.eligible.manifests > 0) {
      await ask(renderQuestion(plan));
    }
  };
  try {
    const report = await collectGarbage(
      {
        driver,
        nowMs: Date.now,
        holder: currentHolder(),
        probe: () => probeAll(config, registries),
      },
      {
        dryRun,
        deleteUntagged,
        graceMs: flags.grace,
        untaggedForMs: flags.untaggedFor,
        maxDeletePercent: flags.maxDelete,
        concurrency: flags.concurrency,
        allowEmpty: flags.allowEmpty ?? false,
        force: flags.force ?? false,
        skipIfLocked: flags.skipIfLocked ?? false,
        usesMetadataDatabase: config.usesMetadataDatabase,
        otherStores: otherStores(registries, context, flags),
        signal: context.signal,
        onProgress: (event) => progress.update(renderProgress(event)),
        onPlan,
        confirmLargeDelete: context.interactive ? ask : undefined,
      },
    );
    progress.stop();
    if (!flags.json) {
      for (const warning of report.warnings) context.stderr.write(`warning: ${warning}\n`);
      for (const { path, error } of report.failed) context.stderr.write(`failed: ${path}: ${error}\n`);
    }
    context.report(report, renderReport, flags);
    if (report.failed.length > 0) context.setExitCode(FAILED_IN_PART);
  } finally {
    progress.stop();
  }
}

/** Asks at the configured address, and where a registry on this host with the same store listens otherwise. */
async function probeAll(
  config: LoadedConfig,
  registries: readonly FoundRegistry[],
): ReturnType<typeof probeWrites> {
  const addresses = [
    config.settings.http,
    ...registries.map((found) => (found.usesOurStore ? found.http : undefined)),
  ];
  let result: Awaited<ReturnType<typeof probeWrites>> = { kind: "nobody" };
  for (const http of addresses) {
    if (!http) continue;
    const answer = await probeAddress(http);
    if (answer.kind === "other") return answer;
    if (answer.kind === "read-only") result = answer;
  }
  return result;
}

async function probeAddress({ addr, net, prefix, tls }: HttpSettings): ReturnType<typeof probeWrites> {
  if (addr === "") return { kind: "other", answer: "by nobody, as http.addr is not set" };
  return probeWrites({ addr, net, prefix, tls: tls !== undefined });
}

/** A registry with our configuration file and another store: we lack its environment, and would collect the wrong one. */
function otherStores(
  registries: readonly FoundRegistry[],
  context: CommandContext,
  flags: GlobalFlags,
): RegistryStateError[] {
  const problems: RegistryStateError[] = [];
  for (const { pid, usesOurStore, usesOurConfig } of registries) {
    if (usesOurStore) continue;
    if (usesOurConfig && usesOurStore === false) {
      problems.push(
        new RegistryStateError(
          `the registry with process id ${pid} has the same configuration file, but stores elsewhere`,
          { hint: `its environment says where: give --env-from pid:${pid}` },
        ),
      );
    } else context.notice(`note: the registry with process id ${pid} is not known to use this store`, flags);
  }
  return problems;
}

async function print(context: CommandContext, chunks: Iterable<string>): Promise<void> {
  for (const chunk of chunks) {
    if (context.signal.aborted) return;
    if (!context.stdout.write(chunk)) await once(context.stdout, "drain", { signal: context.signal });
  }
}
