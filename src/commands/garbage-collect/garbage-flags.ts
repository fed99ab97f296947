import { nextTimeOfDay, type TimeOfDay } from "../../lib/time-of-day.ts";
import type { GarbageOptions } from "../../operations/gc/garbage-options.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { GlobalFlags } from "../context.ts";

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
  concurrency?: number;
  yes?: boolean;
  allowEmpty?: boolean;
  force?: boolean;
  skipIfLocked?: boolean;
  until?: TimeOfDay;
  verify?: boolean;
  textfile?: string;
  stateDir?: string;
  key?: string;
}

/** The flags with all spellings of one thing joined. */
export interface GarbageRequest
  extends Pick<
    GarbageOptions,
    | "dryRun"
    | "deleteUntagged"
    | "graceMs"
    | "untaggedForMs"
    | "maxDeletePercent"
    | "allowEmpty"
    | "force"
    | "skipIfLocked"
  > {
  verify: boolean;
  /** Undefined: as the store wants it. */
  concurrency: number | undefined;
  /** In milliseconds since 1970. */
  untilMs: number | undefined;
}

/** @param nowMs - milliseconds since 1970 */
export function readFlags(flags: GarbageFlags, nowMs: number): GarbageRequest {
  return {
    dryRun: isDryRun(flags) || Boolean(flags.d),
    deleteUntagged: Boolean(flags.deleteUntagged || flags.deleteManifests),
    graceMs: flags.grace,
    untaggedForMs: flags.untaggedFor,
    maxDeletePercent: flags.maxDelete,
    concurrency: flags.concurrency,
    allowEmpty: flags.allowEmpty ?? false,
    force: flags.force ?? false,
    skipIfLocked: flags.skipIfLocked ?? false,
    verify: flags.verify ?? false,
    untilMs: flags.until === undefined ? undefined : nextTimeOfDay(flags.until, nowMs),
  };
}

/** @returns what `status` tells of the options of a run; times in seconds */
export function describeRequest(request: GarbageRequest): Record<string, unknown> {
  const { graceMs, untaggedForMs, untilMs, maxDeletePercent } = request;
  return {
    deleteUntagged: request.deleteUntagged,
    graceSeconds: graceMs / 1000,
    ...(untaggedForMs === undefined ? {} : { untaggedForSeconds: untaggedForMs / 1000 }),
    ...(maxDeletePercent === undefined ? {} : { maxDeletePercent }),
    ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    ...(request.verify ? { verify: true } : {}),
    ...(request.force ? { force: true } : {}),
    ...(request.allowEmpty ? { allowEmpty: true } : {}),
  };
}
