import { askRegistry, type ProbeTarget, type RegistryAnswer } from "./ask-registry.ts";
import { PROBE_PATH } from "./write-probe.ts";

/** What is known of a registry's readiness to be read from. */
export type ReadProbeResult =
  /** It has looked into its store. */
  | { kind: "works" }
  /** Nothing listens there. */
  | { kind: "nobody" }
  /** It wants to know who asks, and would not tell more; `answer` says for people what came back. */
  | { kind: "denied"; answer: string }
  | { kind: "other"; answer: string };

/**
 * Finds out whether the registry at its own address can be read from, by asking for a manifest that is nowhere: to say so
 * it must look into its store.
 */
export async function probeReads(target: ProbeTarget): Promise<ReadProbeResult> {
  const results = (await askRegistry(target, { method: "GET", path: PROBE_PATH })).map(judge);
  const order = ["other", "denied", "works"];
  return (
    order.flatMap((kind) => results.find((result) => result.kind === kind) ?? [])[0] ?? { kind: "nobody" }
  );
}

function judge(answer: RegistryAnswer): ReadProbeResult {
  if (answer.kind === "nobody") return { kind: "nobody" };
  if (answer.kind === "broken") return { kind: "other", answer: `no answer: ${answer.reason}` };
  const status = answer.response.statusCode ?? 0;
  const isUnknown = status === 404 && /"code"\s*:\s*"(MANIFEST|NAME)_UNKNOWN"/.test(answer.body);
  if (isUnknown || status === 200) return { kind: "works" };
  const text = `${status} ${answer.response.statusMessage ?? ""}`.trim();
  return { kind: status === 401 || status === 403 ? "denied" : "other", answer: text };
}
