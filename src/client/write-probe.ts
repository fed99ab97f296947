import type { IncomingMessage } from "node:http";
import { askRegistry, type ProbeTarget, type RegistryAnswer } from "./ask-registry.ts";

export type { ProbeTarget } from "./ask-registry.ts";

/** The repository to which the probe writes, or would if any registry took what it sends. */
export const PROBE_REPOSITORY = "registry-ctl/write-probe";

/** The manifest that probes ask for, which is nowhere. */
export const PROBE_PATH = `v2/${PROBE_REPOSITORY}/manifests/probe`;

/** The Go registry 2.8 answers 500 to an empty manifest of OCI's type, which tells less than the 400 for this one. */
const MEDIA_TYPE = "application/vnd.docker.distribution.manifest.v2+json";

/** What is known of the registry at an address. */
export type ProbeResult =
  | { kind: "read-only" }
  /** Nothing listens there. */
  | { kind: "nobody" }
  /** `answer` says for people what came back. */
  | { kind: "other"; answer: string; takesWrites?: true };

/**
 * Finds out whether the registry at its own address takes writes, by an upload of a manifest that no registry accepts:
 * one that takes writes answers 400 and changes nothing, one in read-only mode answers 405. All other answers prove
 * nothing; a 405 does only if it is a registry that says it.
 *
 * An address without a host stands for this machine, with IPv4 and IPv6.
 */
export async function probeWrites(target: ProbeTarget): Promise<ProbeResult> {
  const body = { type: MEDIA_TYPE, text: "{}" };
  const results = (await askRegistry(target, { method: "PUT", path: PROBE_PATH, body })).map(judge);
  return (
    results.find(({ kind }) => kind === "other") ??
    results.find(({ kind }) => kind === "read-only") ?? { kind: "nobody" }
  );
}

function judge(answer: RegistryAnswer): ProbeResult {
  if (answer.kind === "nobody") return { kind: "nobody" };
  if (answer.kind === "broken") return { kind: "other", answer: `no answer: ${answer.reason}` };
  const { response, body } = answer;
  const status = response.statusCode ?? 0;
  if (status === 405) {
    return isReadOnlyRegistry(response, body)
      ? { kind: "read-only" }
      : { kind: "other", answer: "405, but not by a registry" };
  }
  const takesWrites = status === 400 && /"code"\s*:\s*"[A-Z]*(MANIFEST|TAG|NAME|DIGEST|SIZE)/.test(body);
  if (takesWrites) return { kind: "other", answer: `${status}: it takes writes`, takesWrites };
  return { kind: "other", answer: `${status} ${response.statusMessage ?? ""}`.trim() };
}

/**
 * Ours says in the body that it is a registry. The Go registry says so only in a header, which proxies before it are
 * often told to add to whatever they answer themselves; but these do not say which methods are allowed.
 */
function isReadOnlyRegistry({ headers }: IncomingMessage, body: string): boolean {
  if (/"code"\s*:\s*"UNSUPPORTED"/.test(body)) return true;
  const allowed = headers.allow?.toUpperCase().split(/\s*,\s*/) ?? [];
  const isGoRegistry = headers["docker-distribution-api-version"] !== undefined;
  return isGoRegistry && allowed.includes("GET") && !allowed.includes("PUT");
}
