import type { RegistryHost } from "../../operations/service/registry-host.ts";
import type { CommandContext, Progress } from "../context.ts";
import { type HostFlags, type OpenedHost, openHost } from "./open-host.ts";
import { refuseHeld } from "./refuse-held.ts";

/** What a command does to what runs the registry. */
export interface HostChange {
  /** For the journal. */
  summary: (host: RegistryHost) => string;
  /** For the progress line. */
  title: string;
  /** A living duty that keeps the registry stopped stands in the way. */
  refusesHeld: boolean;
}

/**
 * Opens the host, writes down that it is changed, and shows progress while `change` works.
 *
 * @throws {RegistryStateError} if the registry is held, and that stands in the way
 */
export async function changeHost(
  context: CommandContext,
  argument: string | undefined,
  flags: HostFlags & { timeout: number },
  { summary, title, refusesHeld }: HostChange,
  change: (opened: OpenedHost, progress: Progress) => Promise<void>,
): Promise<void> {
  const opened = await openHost(context, argument, flags, { timeoutMs: flags.timeout });
  const { config, host } = opened;
  if (refusesHeld) refuseHeld(config, flags.stateDir);
  await context.recordChange({
    ...(config.source.kind === "file" ? { target: config.source.path } : {}),
    summary: summary(host),
  });
  const progress = context.progress(title, flags);
  try {
    await change(opened, progress);
  } finally {
    progress.stop();
  }
}

/** @returns what is done, and by what if a service does it */
export function byService(what: string): (host: RegistryHost) => string {
  return ({ service }) => `${what}${service ? ` by ${service.describe()}` : ""}`;
}
