import { describeFacts, isProvedReadOnly, isProvedReadWrite, type RegistryFacts } from "./registry-facts.ts";

/** What the commands about read-only print with `--json`. */
export interface ReadOnlyReport {
  schemaVersion: 1;
  command: "readonly on" | "readonly off" | "readonly status";
  dryRun: boolean;
  /** How the registry is spoken to; none: it does not run. */
  by: "control socket" | "configuration" | "none";
  /** Undefined: it cannot be told. */
  readOnly: boolean | undefined;
  /** It was so already. */
  unchanged: boolean;
  /** It stands in the configuration, and lasts. */
  byConfiguration: boolean;
  /** ISO 8601, UTC, like `until`. */
  since?: string;
  until?: string;
  reason?: string;
  /** Who ends it at its time, for people. */
  endedBy?: string;
  /** What the configuration file says; left out where there is none, or it was not looked at. */
  file?: { path: string; readOnly: boolean; changed: boolean };
  /** Writes under way that were cut off. */
  cutOff: number;
  /**
   * `probed`: a write and a read were answered as they should be. `acknowledged`: the server says so, and its address does
   * not tell. `none`: nobody could be asked.
   */
  proof: "probed" | "acknowledged" | "none";
  /** What was answered, for people. */
  answers?: string;
  /** Other servers on the same store, which were told too. */
  otherServers: { host: string; address: string; readOnly: boolean }[];
  warnings: string[];
}

/** @returns what a report says of answers; a proof only if they are as wanted */
export function proofOf(
  facts: RegistryFacts,
  readOnly: boolean,
  otherwise: "acknowledged" | "none",
): Pick<ReadOnlyReport, "proof" | "answers"> {
  const isProved = readOnly ? isProvedReadOnly(facts) : isProvedReadWrite(facts);
  return { proof: isProved ? "probed" : otherwise, answers: describeFacts(facts) };
}
