import type { ReadProbeResult } from "../../client/read-probe.ts";
import type { ProbeResult } from "../../client/write-probe.ts";
import { RegistryStateError } from "../../errors.ts";

/** What the addresses of a registry answer to a write and to a read. */
export interface RegistryFacts {
  writes: ProbeResult;
  reads: ReadProbeResult;
}

/** Asks a registry both. */
export type AskRegistry = () => Promise<RegistryFacts>;

/** Tells whether nothing listens. */
export function isDown({ writes, reads }: RegistryFacts): boolean {
  return writes.kind === "nobody" && reads.kind === "nobody";
}

/** Tells whether it is proved that writes are refused and reads are not. */
export function isProvedReadOnly({ writes, reads }: RegistryFacts): boolean {
  return writes.kind === "read-only" && reads.kind === "works";
}

/** Tells whether it is proved that it takes writes. */
export function isProvedReadWrite({ writes }: RegistryFacts): boolean {
  return writes.kind === "other" && writes.takesWrites === true;
}

/** Tells whether no answer to a probe can ever say whether writes are taken, as the registry wants to know who asks. */
export function isUnprovable({ writes, reads }: RegistryFacts): boolean {
  return reads.kind === "denied" || (writes.kind === "other" && /^40[13] /.test(writes.answer));
}

/** @returns what was answered, for people */
export function describeFacts({ writes, reads }: RegistryFacts): string {
  return `a write was answered ${describeWrites(writes)}, a read ${describeReads(reads)}`;
}

function describeWrites(writes: ProbeResult): string {
  switch (writes.kind) {
    case "read-only":
      return "405: it takes none";
    case "nobody":
      return "by nobody";
    case "other":
      return writes.answer;
  }
}

function describeReads(reads: ReadProbeResult): string {
  switch (reads.kind) {
    case "works":
      return "as it should be";
    case "nobody":
      return "by nobody";
    default:
      return reads.answer;
  }
}

/** @returns the error for a registry that does not say whether it takes writes */
export function unprovable(facts: RegistryFacts): RegistryStateError {
  return new RegistryStateError(
    `it cannot be proved whether the registry takes writes: ${describeFacts(facts)}`,
    {
      hint: "with auth.token, let --key name the key that tokens are signed with; else stop the registry by hand",
    },
  );
}

/** Options of {@link waitForFacts}. */
export interface WaitForFacts {
  timeoutMs: number;
  /** Ends the wait with its reason. */
  signal?: AbortSignal | undefined;
  /** Between two questions. */
  pauseMs?: number;
}

const PAUSE_MS = 250;

/**
 * Asks again and again until the answers are as wanted.
 *
 * @returns the last answers, also where they are others than wanted
 */
export async function waitForFacts(
  ask: AskRegistry,
  isWanted: (facts: RegistryFacts) => boolean,
  { timeoutMs, signal, pauseMs = PAUSE_MS }: WaitForFacts,
): Promise<RegistryFacts> {
  const deadlineMs = performance.now() + timeoutMs;
  for (;;) {
    const facts = await ask();
    if (isWanted(facts) || performance.now() >= deadlineMs) return facts;
    await pause(pauseMs, signal);
  }
}

/** Waits. @throws the signal's reason when it is aborted */
export function pause(ms: number, signal: AbortSignal | undefined): Promise<void> {
  return new Promise((resolve, reject) => {
    signal?.throwIfAborted();
    const onAbort = (): void => {
      clearTimeout(timer);
      reject(signal?.reason);
    };
    const timer = setTimeout(() => {
      signal?.removeEventListener("abort", onAbort);
      resolve();
    }, ms);
    signal?.addEventListener("abort", onAbort, { once: true });
  });
}
