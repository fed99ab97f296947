import { describeState } from "../../operations/readonly/change-server.ts";
import type { PersistedChange } from "../../operations/readonly/persisted-change.ts";
import type { ReadOnlyReport } from "../../operations/readonly/read-only-report.ts";
import { isProvedReadOnly, isProvedReadWrite } from "../../operations/readonly/registry-facts.ts";
import type { OpenedRegistry } from "./open-registry.ts";

/** @returns what a change would come to */
export async function planOf(
  { server, dependencies }: OpenedRegistry,
  readOnly: boolean,
  persist: PersistedChange | undefined,
): Promise<ReadOnlyReport> {
  const state = (await server?.control.status())?.readOnly;
  const facts = state ? undefined : await dependencies.ask();
  const isNow =
    state?.on ??
    (facts && isProvedReadOnly(facts) ? true : facts && isProvedReadWrite(facts) ? false : undefined);
  return {
    ...{ schemaVersion: 1, command: readOnly ? "readonly on" : "readonly off", dryRun: true },
    ...{ by: state ? "control socket" : "configuration", readOnly, unchanged: isNow === readOnly },
    ...(state ? describeState(state) : { byConfiguration: readOnly }),
    ...(persist ? { file: { path: persist.file, readOnly: persist.wasReadOnly, changed: false } } : {}),
    ...{ cutOff: 0, proof: "none", otherServers: [], warnings: [] },
  };
}
