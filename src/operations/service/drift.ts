import type { ChangedKey, Control, ServerStatus } from "../../control/protocol.ts";
import { ConfigError } from "../../errors.ts";
import type { AppliedSettings } from "../../state/applied-settings.ts";
import type { ForeignRegistry } from "./registry-host.ts";
import type { DriftReport, StatusReport } from "./status-report.ts";

/** What is compared. */
export interface DriftParts {
  /** Our server, if it answers. */
  control: Control | undefined;
  status: ServerStatus | undefined;
  others: readonly ForeignRegistry[];
  config: StatusReport["config"];
  applied: AppliedSettings | undefined;
}

/** Compares the configuration file, the running process and what a command of ours applied last. */
export async function driftOf(parts: DriftParts): Promise<DriftReport & { isInvalid?: boolean }> {
  const { control, status } = parts;
  if (!control || !status) return { keys: [], lines: linesOfOthers(parts) };
  const lines = linesOfApplied(parts.applied, status);
  try {
    const { changed } = await control.previewReload();
    return { keys: changed, lines: [...changed.map(lineOf), ...lines] };
  } catch (error) {
    if (!(error instanceof ConfigError)) throw error;
    return { keys: [], lines: [`the file is not valid: ${error.message}`, ...lines], isInvalid: true };
  }
}

function lineOf({ key, from, to, applies }: ChangedKey): string {
  return `${key} is ${from ?? "not set"} in the server and ${to ?? "not set"} in the file; ${HOW[applies]}`;
}

const HOW: Readonly<Record<ChangedKey["applies"], string>> = {
  live: '"registry-ctl reload" applies it',
  workers: '"registry-ctl reload" applies it with new workers',
  store:
    '"registry-ctl reload" takes the other store, while the registry is read-only; "registry-ctl migrate" copies it first',
  restart: "it takes effect when the server is stopped and started",
};

function linesOfApplied(
  applied: AppliedSettings | undefined,
  { settingsDigest, configuredAt }: ServerStatus,
): string[] {
  if (!applied || applied.settingsDigest === settingsDigest) return [];
  const what = `"registry-ctl ${applied.command}" applied at ${applied.appliedAt.slice(0, 19)}Z`;
  return [
    configuredAt > applied.appliedAt
      ? `the server uses other settings than ${what}: it read its configuration again at ${configuredAt.slice(0, 19)}Z`
      : `the server uses other settings than ${what}`,
  ];
}

/** A registry that reads its configuration only at its start does not know of later changes. */
function linesOfOthers({ others, config: { file, changedAt } }: DriftParts): string[] {
  if (file === undefined || changedAt === undefined) return [];
  return others.flatMap(({ pid, startedAt }) =>
    startedAt !== undefined && changedAt > startedAt
      ? [
          `${file} was changed at ${changedAt.slice(0, 19)}Z, after process ${pid} was started: ` +
            "it takes effect when that is restarted",
        ]
      : [],
  );
}
