import type { FreeStep } from "./free-plan.ts";

/** So many tags are named by one command line: what a person can look over, and far below any system's limit. */
const TAGS_PER_COMMAND = 50;

/** What the command lines of a plan have in common. */
export interface FreeCommandOptions {
  /** The configuration file; undefined: the embedded default. */
  config: string | undefined;
  /** Where the service's environment was taken from. */
  envFrom: readonly string[];
  /** The file of protected digests; undefined: there is none. */
  protect: string | undefined;
  /** What was written within this time stays. */
  graceMs: number;
}

/** What `garbage-collect` does by itself. */
const USUAL_GRACE_MS = 3_600_000;

/** @returns the words of the commands that take a step, in this order; without options that answer questions */
export function commandsOf(
  step: FreeStep,
  { config, envFrom, protect, graceMs }: FreeCommandOptions,
): string[][] {
  const store = [
    ...(config === undefined ? [] : ["--config", config]),
    ...envFrom.flatMap((source) => ["--env-from", source]),
  ];
  const spared = protect === undefined ? [] : ["--protect", protect];
  if (step.kind === "uploads") return [["registry-ctl", "uploads", "purge", ...store]];
  const grace = graceMs === USUAL_GRACE_MS ? [] : ["--grace", `${graceMs / 1000}s`];
  const collect = (...mode: string[]): string[] => [
    ...["registry-ctl", "garbage-collect", ...mode],
    ...grace,
    ...spared,
    ...store,
  ];
  if (step.kind === "orphans") return [collect()];
  const deletions = (step.tags ?? []).flatMap(({ repository, tags }) =>
    chunks(tags, TAGS_PER_COMMAND).map((named) => [
      ...["registry-ctl", "tags", "delete", repository, ...named],
      ...spared,
      ...store,
    ]),
  );
  return [...deletions, collect("-m")];
}

function chunks<T>(items: readonly T[], size: number): T[][] {
  const result: T[][] = [];
  for (let at = 0; at < items.length; at += size) result.push(items.slice(at, at + size));
  return result;
}
