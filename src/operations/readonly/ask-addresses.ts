import type { ProbeTarget } from "../../client/ask-registry.ts";
import { probeReads, type ReadProbeResult } from "../../client/read-probe.ts";
import { type ProbeResult, probeWrites } from "../../client/write-probe.ts";
import type { AskRegistry } from "./registry-facts.ts";

/** Addresses that are asked. */
export type AskedAddress = Omit<ProbeTarget, "authorization">;

/**
 * @param authorize - gives the value of the Authorization header, a new one for each question
 * @returns what asks at all of the addresses; of several answers the one that is worst for whoever wants it read-only counts
 */
export function askAddresses(
  addresses: readonly AskedAddress[],
  authorize: (() => Promise<string>) | undefined,
): AskRegistry {
  return async () => {
    const authorization = await authorize?.();
    const writes: ProbeResult[] = [];
    const reads: ReadProbeResult[] = [];
    for (const address of addresses) {
      const at = addresses.length > 1 ? address.addr : undefined;
      if (address.addr === "") {
        writes.push({ kind: "other", answer: NO_ADDRESS });
        reads.push({ kind: "other", answer: NO_ADDRESS });
        continue;
      }
      const target = { ...address, authorization };
      const [write, read] = await Promise.all([probeWrites(target), probeReads(target)]);
      writes.push(named(write, at));
      reads.push(named(read, at));
    }
    return {
      writes: worst(writes, ["other", "read-only"]) ?? { kind: "nobody" },
      reads: worst(reads, ["other", "denied", "works"]) ?? { kind: "nobody" },
    };
  };
}

const NO_ADDRESS = "by nobody, as http.addr is not set";

function worst<T extends { kind: string }>(
  results: readonly T[],
  order: readonly T["kind"][],
): T | undefined {
  return order.flatMap((kind) => results.find((result) => result.kind === kind) ?? [])[0];
}

function named<T extends ProbeResult | ReadProbeResult>(result: T, at: string | undefined): T {
  return at !== undefined && "answer" in result
    ? { ...result, answer: `${result.answer} (at ${at})` }
    : result;
}
