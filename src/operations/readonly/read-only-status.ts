import type { KeptDuty } from "../../state/duties.ts";
import type { HoldDependencies } from "../hold/hold-registry.ts";
import { describeState } from "./change-server.ts";
import { saysReadOnly } from "./read-only-key.ts";
import { proofOf, type ReadOnlyReport } from "./read-only-report.ts";
import { isDown, isProvedReadOnly, isProvedReadWrite } from "./registry-facts.ts";

/** What {@link readOnlyStatus} works with. */
export interface ReadOnlyStatusDependencies
  extends Pick<HoldDependencies, "server" | "ask" | "files" | "duties"> {
  /** Absolute path of the configuration file; undefined: the embedded one. */
  file: string | undefined;
}

/** Tells whether a registry refuses writes: by our server's own word, else by what it answers. */
export async function readOnlyStatus(dependencies: ReadOnlyStatusDependencies): Promise<ReadOnlyReport> {
  const { server, ask, files, file } = dependencies;
  const state = (await server?.control.status())?.readOnly;
  const facts = await ask();
  const saysFile = file === undefined ? undefined : saysReadOnly(files.read(file), file);
  const base = {
    ...({ schemaVersion: 1, command: "readonly status", dryRun: false, unchanged: true } as const),
    ...(file === undefined || saysFile === undefined
      ? {}
      : { file: { path: file, readOnly: saysFile, changed: false } }),
    ...{ cutOff: 0, otherServers: [], warnings: [] },
  };
  if (state) {
    return {
      ...{ ...base, by: "control socket", readOnly: state.on, ...describeState(state) },
      ...proofOf(facts, state.on, "acknowledged"),
    };
  }
  if (isDown(facts)) {
    return { ...base, by: "none", readOnly: undefined, byConfiguration: saysFile === true, proof: "none" };
  }
  const isReadOnly = isProvedReadOnly(facts) ? true : isProvedReadWrite(facts) ? false : undefined;
  const duty = isReadOnly === true ? dutyOf(dependencies) : undefined;
  return {
    ...{ ...base, by: "configuration", readOnly: isReadOnly, byConfiguration: isReadOnly === true },
    ...(duty ? describeDuty(duty) : {}),
    ...proofOf(facts, isReadOnly === true, "none"),
  };
}

/** @returns what is written down about why a configuration file says read-only */
export function dutyOf({
  duties,
  file,
}: Pick<ReadOnlyStatusDependencies, "duties" | "file">): KeptDuty | undefined {
  return duties.list().find(({ duty: { undo } }) => undo.kind === "configuration" && undo.file === file);
}

/** @returns what a report says of it */
export function describeDuty({
  duty: { madeAt, until, reason, by },
}: KeptDuty): Pick<ReadOnlyReport, "since" | "until" | "reason"> {
  return { since: madeAt, ...(until === undefined ? {} : { until }), reason: `${reason} (${by})` };
}
