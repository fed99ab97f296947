import { UsageError } from "../../errors.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import { readUsageOverHttp } from "../../operations/usage/read-usage-over-http.ts";
import type { UsageModel } from "../../operations/usage/usage-model.ts";
import type { CommandContext } from "../context.ts";
import { openRegistry } from "../over-http/open-registry.ts";
import { refusePushDates } from "../over-http/refuse-push-dates.ts";
import type { UsageFlags } from "./usage-flags.ts";

/**
 * Reads from a registry over HTTP what its tags need.
 *
 * @throws {UsageError} if something is asked for that nobody knows there
 * @throws {RegistryAnswerError}
 * @throws {CancelledError} at Ctrl-C
 */
export async function readModelOverHttp(
  context: CommandContext,
  argument: string | undefined,
  registry: string,
  flags: UsageFlags,
): Promise<{ model: UsageModel; warnings: string[] }> {
  const { repository = [], since, sort, config } = flags;
  if (argument !== undefined || config !== undefined)
    throw new UsageError(
      "a configuration names a store, and --registry a registry over HTTP: give one of them",
    );
  if (flags.protect !== undefined)
    throw new UsageError("--protect is of no use with --registry: what a collection keeps is not seen there");
  const odd = repository.find((name) => !isRepositoryName(name));
  if (odd !== undefined)
    throw new UsageError(`${JSON.stringify(odd.slice(0, 300))} is no name of a repository`);
  const option = since === undefined ? (sort === "pushed" ? "--sort pushed" : undefined) : "--since";
  refusePushDates(flags, option, "leave it out, or read the store");
  const client = await openRegistry(context, registry, flags);
  const progress = context.progress("looking for repositories; safe to stop", flags);
  try {
    const model = await readUsageOverHttp({
      ...{ client, repositories: repository, signal: context.signal },
      onRepository: (name) => progress.update(`reading the tags of ${name}; safe to stop`),
    });
    return { model, warnings: [] };
  } finally {
    progress.stop();
  }
}
