import type { Control, ReadOnlyState, ReloadAnswer } from "../../control/protocol.ts";
import { RegistryStateError } from "../../errors.ts";
import type { ConfigFiles } from "./config-files.ts";
import { type PersistedChange, writePersisted } from "./persisted-change.ts";
import { READ_ONLY_KEY } from "./read-only-key.ts";
import { proofOf, type ReadOnlyReport } from "./read-only-report.ts";
import {
  type AskRegistry,
  describeFacts,
  isProvedReadOnly,
  isProvedReadWrite,
  isUnprovable,
  pause,
  type RegistryFacts,
  waitForFacts,
} from "./registry-facts.ts";

/** What {@link changeServer} works with. */
export interface ChangeServerDependencies {
  control: Control;
  ask: AskRegistry;
  files: ConfigFiles;
  signal: AbortSignal;
  /** How long the address may take to answer as the server says; 5 seconds by default. */
  settleMs?: number;
}

/** What is wanted of a running server. */
export interface ServerChange {
  readOnly: boolean;
  /** Undefined: until it is taken back. */
  forMs: number | undefined;
  /** For people. */
  reason: string;
  /** Uploads under way may go on for so long. */
  drainMs: number;
  /** The configuration file is changed too. */
  persist: PersistedChange | undefined;
}

const SETTLE_MS = 5000;
const LOOK_EVERY_MS = 500;
const MAX_LOOKS = 30;

/**
 * Makes our running server read-only, or ends that, at once. Without `persist` the configuration stays: what it says decides
 * then, and cannot be ended.
 *
 * @throws {RegistryStateError} if the server, or what answers at its address, is not as wanted; all is as before then
 * @throws {RegistryCtlError} if the file cannot be written; all is as before then
 */
export async function changeServer(
  dependencies: ChangeServerDependencies,
  change: ServerChange,
): Promise<ReadOnlyReport> {
  const { control, files } = dependencies;
  const { readOnly, forMs, reason, drainMs, persist } = change;
  const before = (await control.status()).readOnly;
  if (before.byConfiguration && !readOnly && persist === undefined) {
    throw new RegistryStateError(
      "the server is read-only by its configuration, which a running server does not change",
      {
        hint: "give --persist to change the configuration file too",
      },
    );
  }
  const warnings: string[] = [];
  const note = persist && !readOnly ? await writePersisted(files, persist) : undefined;
  if (note !== undefined) warnings.push(note);
  if (before.byConfiguration && !readOnly) await reload(dependencies, change);
  const answer = await control.setReadOnly({
    ...{ on: readOnly, reason, drainMs },
    ...(forMs === undefined || !readOnly ? {} : { forMs }),
  });
  const { cutOff } = answer;
  const now = await settled(dependencies, answer.now, readOnly);
  if (now.on !== readOnly) throw await undone(dependencies, before, `it says that it is ${said(now)}`);
  const facts = await prove(dependencies, before, readOnly);
  const late = persist && readOnly ? await persistOrPutBack(dependencies, before, persist) : undefined;
  if (late !== undefined) warnings.push(late);
  return {
    ...{ schemaVersion: 1, command: readOnly ? "readonly on" : "readonly off", dryRun: false },
    ...{
      by: "control socket",
      readOnly: now.on,
      unchanged: before.on === now.on && before.byStore === now.byStore && before.until === now.until,
    },
    ...describeState(now),
    ...(persist ? { file: describeFile(persist, readOnly, note ?? late) } : {}),
    ...{ cutOff, ...proofOf(facts, readOnly, "acknowledged"), otherServers: [], warnings },
  };
}

/** @returns what a report says of a server's state */
export function describeState(
  state: ReadOnlyState,
): Pick<ReadOnlyReport, "byConfiguration" | "since" | "until" | "reason" | "endedBy"> {
  const { byConfiguration, since, until, reason } = state;
  return {
    byConfiguration,
    ...(since === undefined ? {} : { since }),
    ...(until === undefined ? {} : { until, endedBy: "the server itself" }),
    ...(reason === undefined ? {} : { reason }),
  };
}

function describeFile(
  { file, before, after, wasReadOnly }: PersistedChange,
  readOnly: boolean,
  problem: string | undefined,
): NonNullable<ReadOnlyReport["file"]> {
  if (problem !== undefined) return { path: file, readOnly: wasReadOnly, changed: false };
  return { path: file, readOnly, changed: before !== after };
}

/** @throws {RegistryStateError} if the address says the opposite of what the server says */
async function prove(
  dependencies: ChangeServerDependencies,
  before: ReadOnlyState,
  readOnly: boolean,
): Promise<RegistryFacts> {
  const { ask, signal, settleMs: timeoutMs = SETTLE_MS } = dependencies;
  const isSettled = (facts: RegistryFacts): boolean =>
    (readOnly ? isProvedReadOnly(facts) : isProvedReadWrite(facts)) || isUnprovable(facts);
  const facts = await waitForFacts(ask, isSettled, { timeoutMs, signal });
  if (readOnly && isProvedReadWrite(facts)) {
    throw await undone(dependencies, before, `the registry at its address is not: ${describeFacts(facts)}`);
  }
  return facts;
}

/** What all servers on the store were asked for is looked at every few seconds only. */
async function settled(
  { control, signal }: ChangeServerDependencies,
  first: ReadOnlyState,
  readOnly: boolean,
): Promise<ReadOnlyState> {
  let state = first;
  for (let looks = 0; state.on !== readOnly && looks < MAX_LOOKS; looks++) {
    await pause(LOOK_EVERY_MS, signal);
    state = (await control.status()).readOnly;
  }
  return state;
}

/** @returns as {@link writePersisted} */
async function persistOrPutBack(
  dependencies: ChangeServerDependencies,
  before: ReadOnlyState,
  persist: PersistedChange,
): Promise<string | undefined> {
  try {
    return await writePersisted(dependencies.files, persist);
  } catch (error) {
    await putBack(dependencies, before);
    throw error;
  }
}

/** Puts the earlier state back. @returns the error that says why */
async function undone(
  dependencies: ChangeServerDependencies,
  before: ReadOnlyState,
  reason: string,
): Promise<RegistryStateError> {
  await putBack(dependencies, before);
  return new RegistryStateError(`the server was asked, and ${reason}`, {
    hint: "see whether another registry answers at http.addr, such as another node",
  });
}

async function putBack({ control }: ChangeServerDependencies, before: ReadOnlyState): Promise<void> {
  const forMs = before.until === undefined ? undefined : Math.max(1, Date.parse(before.until) - Date.now());
  // What the store asks of all servers ends by itself.
  const on = before.on && before.byStore !== true;
  await control.setReadOnly({
    ...{ on, reason: before.reason ?? "as before", drainMs: 0 },
    ...(on && forMs !== undefined ? { forMs } : {}),
  });
}

function said({ on }: ReadOnlyState): string {
  return on ? "read-only all the same" : "not read-only";
}

/**
 * Has the server read its configuration again. Only the one key may be different: nobody has asked for more.
 *
 * @throws {RegistryStateError} if there is more, or the server refuses; the file is as before then
 */
async function reload(
  { control, files }: ChangeServerDependencies,
  { persist }: ServerChange,
): Promise<void> {
  const putBack = async (): Promise<void> => {
    if (persist && persist.after !== persist.before)
      await files.replace(persist.file, persist.before, persist.after);
  };
  let preview: ReloadAnswer;
  try {
    preview = await control.previewReload();
  } catch (error) {
    await putBack();
    throw error;
  }
  const others = preview.changed.map(({ key }) => key).filter((key) => key !== READ_ONLY_KEY.join("."));
  if (others.length > 0) {
    await putBack();
    throw new RegistryStateError(
      `the configuration has other changes that do not count yet: ${others.join(", ")}`,
      {
        hint: "apply them first, with registry-ctl reconfigure",
      },
    );
  }
  await control.reload();
}
