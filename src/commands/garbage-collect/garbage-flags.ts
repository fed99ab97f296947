import { nextTimeOfDay, type TimeOfDay } from "../../lib/time-of-day.ts";
import type { GarbageOptions } from "../../operations/gc/garbage-options.ts";
import type { ProtectedImages } from "../../operations/tags/protected.ts";
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
  mode?: CollectionMode;
  maxOps?: number;
  /** Of `--mode read-only` and `--mode offline`: how long uploads under way may go on. */
  timeout?: number;
  service?: string;
  ctlConfig?: string;
  controlSocket?: string;
  /** Given by a server to the collector that it starts. */
  collector?: boolean;
  /** As `until`, in milliseconds since 1970: a server's clock may be in another time zone. */
  untilMs?: number;
  /** `--protect FILE`. */
  protect?: string;
  /** As `protect`, each image by itself: a server cannot read everybody's files. */
  protectedImage?: string[];
}

/** What becomes of the registry while it is collected. */
export type CollectionMode = "offline" | "read-only" | "online";

/** The flags with all spellings of one thing joined. */
export interface GarbageRequest
  extends Pick<
    GarbageOptions,
    | "dryRun"
    | "deleteUntagged"
    | "graceMs"
    | "untaggedForMs"
    | "maxDeletePercent"
    | "maxOpsPerSecond"
    | "allowEmpty"
    | "force"
    | "skipIfLocked"
  > {
  verify: boolean;
  protectedImages: ProtectedImages | undefined;
  /** Undefined: as the store wants it. */
  concurrency: number | undefined;
  /** In milliseconds since 1970. */
  untilMs: number | undefined;
}

/**
 * @param nowMs - milliseconds since 1970
 * @param protectedImages - what `--protect` names
 */
export function readFlags(
  flags: GarbageFlags,
  nowMs: number,
  protectedImages?: ProtectedImages,
): GarbageRequest {
  return {
    protectedImages,
    dryRun: isDryRun(flags) || Boolean(flags.d),
    deleteUntagged: Boolean(flags.deleteUntagged || flags.deleteManifests),
    graceMs: flags.grace,
    untaggedForMs: flags.untaggedFor,
    maxDeletePercent: flags.maxDelete,
    concurrency: flags.concurrency,
    maxOpsPerSecond: flags.maxOps,
    allowEmpty: flags.allowEmpty ?? false,
    force: flags.force ?? false,
    skipIfLocked: flags.skipIfLocked ?? false,
    verify: flags.verify ?? false,
    untilMs: flags.until === undefined ? flags.untilMs : nextTimeOfDay(flags.until, nowMs),
  };
}

/** @returns the options by which a collector is told of a request */
export function optionsOf(request: GarbageRequest): string[] {
  const { graceMs, untaggedForMs, maxDeletePercent, maxOpsPerSecond, concurrency, untilMs } = request;
  const values: [string, string | number | undefined][] = [
    ["--grace", `${graceMs}ms`],
    ["--untagged-for", untaggedForMs === undefined ? undefined : `${untaggedForMs}ms`],
    ["--max-delete", maxDeletePercent],
    ["--max-ops", maxOpsPerSecond],
    ["--concurrency", concurrency],
    ["--until-ms", untilMs],
  ];
  const switches: [string, boolean][] = [
    ["--delete-untagged", request.deleteUntagged],
    ["--verify", request.verify],
    ["--allow-empty", request.allowEmpty],
    ["--skip-if-locked", request.skipIfLocked],
  ];
  const images = request.protectedImages?.references ?? [];
  return [
    ...images.flatMap(({ text }) => ["--protected-image", text]),
    ...switches.flatMap(([name, isOn]) => (isOn ? [name] : [])),
    ...values.flatMap(([name, value]) => (value === undefined ? [] : [name, `${value}`])),
  ];
}

/** @returns what `status` tells of the options of a run; times in seconds */
export function describeRequest(request: GarbageRequest): Record<string, unknown> {
  const { graceMs, untaggedForMs, untilMs, maxDeletePercent, maxOpsPerSecond } = request;
  return {
    deleteUntagged: request.deleteUntagged,
    graceSeconds: graceMs / 1000,
    ...(untaggedForMs === undefined ? {} : { untaggedForSeconds: untaggedForMs / 1000 }),
    ...(maxDeletePercent === undefined ? {} : { maxDeletePercent }),
    ...(maxOpsPerSecond === undefined ? {} : { maxOpsPerSecond }),
    ...(untilMs === undefined ? {} : { until: new Date(untilMs).toISOString() }),
    ...(request.verify ? { verify: true } : {}),
    ...(request.force ? { force: true } : {}),
    ...(request.allowEmpty ? { allowEmpty: true } : {}),
    ...(request.protectedImages ? { protectedImages: request.protectedImages.references.length } : {}),
  };
}
