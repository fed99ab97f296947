import { RegistryStateError } from "../../errors.ts";
import type { MigrationSwitch } from "../../state/migration-record.ts";

/** @returns that a change of the registry has to be gone on with before anything else, and how */
export function halfDone({ to }: MigrationSwitch): RegistryStateError {
  const [store, command] = to === "target" ? ["the new store", "finish"] : ["the old store", "rollback"];
  return new RegistryStateError(`the registry was being changed to ${store} when a command was ended`, {
    hint: `go on with that: registry-ctl migrate ${command}`,
  });
}
