import { join } from "node:path";
import { messageOf } from "../lib/message-of.ts";
import { readRunFile } from "./run-files.ts";
import { parseRunResult, parseRunStatus, type RunResult, type RunStatus } from "./run-record.ts";
import { LAST_FILE, LAST_SUCCESS_FILE, RUN_FILE, RUNS_FOLDER } from "./run-recorder.ts";

/** What the state folders tell of collections of one store. */
export interface RunHistory {
  /** Under way, or killed. */
  run?: RunStatus;
  last?: RunResult;
  lastSuccess?: RunResult;
  /** Folders that could not be read, or hold damaged files, with the reason. */
  unread: { folder: string; problem: string }[];
}

/**
 * Reads what runs have left. Of several folders (runs by root and by the registry's user may use different ones) the newest
 * record counts.
 *
 * @param stateFolders - folders of the store; those that do not exist tell nothing
 */
export function readRunHistory(stateFolders: readonly string[]): RunHistory {
  const history: RunHistory = { unread: [] };
  for (const folder of stateFolders) {
    const runs = join(folder, RUNS_FOLDER);
    try {
      const read = <Kind>(name: string, parse: (json: unknown) => Kind | undefined): Kind | undefined => {
        const json = readRunFile(join(runs, name));
        const parsed = parse(json);
        if (json !== undefined && parsed === undefined)
          history.unread.push({ folder, problem: `${RUNS_FOLDER}/${name} is damaged` });
        return parsed;
      };
      const run = read(RUN_FILE, parseRunStatus);
      const last = read(LAST_FILE, parseRunResult);
      const success = read(LAST_SUCCESS_FILE, parseRunResult);
      if (run && run.updatedAt > (history.run?.updatedAt ?? "")) history.run = run;
      if (last && last.endedAt > (history.last?.endedAt ?? "")) history.last = last;
      if (success && success.endedAt > (history.lastSuccess?.endedAt ?? "")) history.lastSuccess = success;
    } catch (error) {
      const problem = messageOf(error);
      history.unread.push({ folder, problem });
    }
  }
  // Its result was written, but the process died before the file was removed.
  if (history.run && history.run.id === history.last?.id) delete history.run;
  return history;
}
