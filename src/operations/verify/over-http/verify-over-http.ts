import { listRepositoryNames } from "../../../client/registry/listings.ts";
import type { RegistryClient } from "../../../client/registry/registry-client.ts";
import { RegistryAnswerError } from "../../../client/registry/registry-errors.ts";
import { RegistryReader } from "../../../client/registry/registry-reader.ts";
import type { Digest } from "../../../oci/digest.ts";
import { DigestTable } from "../../../registry/graph/digest-table.ts";
import { HttpTags } from "../../tags/http-tags.ts";
import { namesByDigest } from "../../tags/names-by-digest.ts";
import { addBroken, FindingLog } from "../finding-log.ts";
import { UncheckedLog } from "../unchecked-log.ts";
import type { CheckedAmounts, Finding, VerifyReport } from "../verify-report.ts";
import { type HttpNode, readHttpGraph } from "./http-graph.ts";

/** What `verify --registry` has found; what `--json` prints. */
export interface HttpVerifyReport
  extends Pick<
    VerifyReport,
    | "schemaVersion"
    | "command"
    | "complete"
    | "problemCount"
    | "counts"
    | "problems"
    | "uncheckedCount"
    | "unchecked"
    | "seconds"
  > {
  /** The address. */
  registry: string;
  /** The only repositories that were looked at; undefined: all that the registry lists. */
  onlyRepositories?: readonly string[];
  /** Blobs count once for each repository: whether each has them is what was asked. */
  checked: Pick<CheckedAmounts, "repositories" | "tags" | "manifests" | "blobs" | "bytes">;
}

/** What it works with. */
export interface HttpVerifyDependencies {
  client: RegistryClient;
  nowMs: () => number;
  signal: AbortSignal;
  onProgress: (state: { repository: string; checked: HttpVerifyReport["checked"] }) => void;
}

/**
 * Looks whether every tag of a registry can be pulled with all that it needs, by its HTTP API: manifests are hashed, of blobs existence and size are
 * asked for. Changes nothing.
 *
 * @param only - repositories; none: all that the registry lists
 * @throws {RegistryAnswerError} if it does not answer, or lists no repositories
 * @throws {CancelledError}
 */
export async function verifyOverHttp(
  { client, nowMs, signal, onProgress }: HttpVerifyDependencies,
  only: readonly string[],
): Promise<HttpVerifyReport> {
  const startedMs = nowMs();
  const tags = new HttpTags(client);
  const reader = new RegistryReader(client);
  const findings = new FindingLog(new DigestTable(), {});
  const unchecked = new UncheckedLog();
  const checked = { repositories: 0, tags: 0, manifests: 0, blobs: 0, bytes: 0 };
  const names = only.length > 0 ? [...new Set(only)] : await listRepositoryNames(client, signal);
  for (const repository of names) {
    try {
      await verifyRepository(repository);
    } catch (error) {
      // What we may not look at leaves the others to be looked at.
      if (!(error instanceof RegistryAnswerError) || error.isPassing) throw error;
      unchecked.add(repository, error);
    }
  }
  const problemCount = findings.problemCount();
  return {
    ...{ schemaVersion: 1, command: "verify", registry: client.name },
    complete: problemCount === 0 && unchecked.total === 0,
    ...(only.length > 0 ? { onlyRepositories: names } : {}),
    checked,
    ...{ problemCount, counts: findings.counts(), problems: findings.problems() },
    ...{ uncheckedCount: unchecked.total, unchecked: unchecked.first },
    seconds: Math.round(nowMs() - startedMs) / 1000,
  };

  async function verifyRepository(repository: string): Promise<void> {
    onProgress({ repository, checked });
    const targets = await tags.tags(repository, signal);
    if (targets.length === 0 && only.length > 0)
      throw new RegistryAnswerError("it has no tags, or there is no such repository");
    for (const { name, digest } of targets) {
      if (digest !== undefined) continue;
      const message = `tag ${repository}:${name} points to a manifest that is not there`;
      tell(findings.add("tag-without-manifest", { message }), repository, [name]);
    }
    const tagsOf = namesByDigest(targets);
    const nodes = await readHttpGraph(reader, repository, tagsOf.keys(), {
      signal,
      onNode: () => onProgress({ repository, checked }),
    });
    checked.repositories++;
    checked.tags += targets.length;
    for (const [digest, { isManifest, sizeBytes, unchecked: reason }] of nodes) {
      if (isManifest) checked.manifests++;
      else checked.blobs++;
      checked.bytes += sizeBytes;
      if (reason !== undefined) unchecked.add(`${repository}@${digest}`, reason);
    }
    for (const [digest, node] of nodes) {
      if (node.flaw === undefined) continue;
      const { kind, ...what } = node.flaw;
      tell(findings.add(kind, what), repository, tagsThatNeed(digest, tagsOf, nodes));
    }
  }
}

function tell(finding: Finding | undefined, repository: string, tags: Iterable<string>): void {
  if (finding) addBroken(finding, repository, tags);
}

function tagsThatNeed(
  digest: Digest,
  tagsOf: ReadonlyMap<Digest, readonly string[]>,
  nodes: ReadonlyMap<Digest, HttpNode>,
): string[] {
  const names: string[] = [];
  for (const [root, tags] of tagsOf) if (needs(root, digest, nodes)) names.push(...tags);
  return names.sort();
}

function needs(root: Digest, wanted: Digest, nodes: ReadonlyMap<Digest, HttpNode>): boolean {
  const seen = new Set([root]);
  // A set gives also what is added while it is gone through.
  for (const digest of seen) {
    if (digest === wanted) return true;
    for (const needed of nodes.get(digest)?.needs ?? []) seen.add(needed);
  }
  return false;
}
