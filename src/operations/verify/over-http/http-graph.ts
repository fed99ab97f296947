import { RegistryAnswerError } from "../../../client/registry/registry-errors.ts";
import type { RegistryReader } from "../../../client/registry/registry-reader.ts";
import { forEachConcurrently } from "../../../lib/for-each-concurrently.ts";
import { messageOf } from "../../../lib/message-of.ts";
import type { Descriptor } from "../../../oci/descriptor.ts";
import { type Digest, digestAlgorithm, digestOf } from "../../../oci/digest.ts";
import { InvalidManifestError, isManifestType, type Manifest, parseManifest } from "../../../oci/manifest.ts";
import { isForeignLayer } from "../../../oci/media-types.ts";
import { MAX_HTTP_MANIFEST_BYTES } from "../../tags/http-content.ts";
import type { FindingKind } from "../verify-report.ts";

/** Requests at a time to one registry. */
const CONCURRENCY = 8;

/** What is wrong with something that a manifest needs, or with the manifest itself. */
export interface HttpFlaw {
  kind: FindingKind;
  message: string;
  digest: Digest;
}

/** What was found of a manifest or blob. */
export interface HttpNode {
  /** Undefined: nothing is wrong with it. */
  flaw: HttpFlaw | undefined;
  /** It could not be looked at: why. */
  unchecked: string | undefined;
  /** What else is needed with it. */
  needs: readonly Digest[];
  isManifest: boolean;
  /** As far as it is known. */
  sizeBytes: number;
}

/**
 * Looks at everything that manifests of a repository need, each once: manifests are fetched and hashed, of blobs the registry is asked whether it
 * has them, and how large they are. What is attached to a manifest need not be there, nor need foreign layers.
 *
 * @throws {RegistryAnswerError} if the registry does not answer for good
 * @throws {CancelledError}
 */
export async function readHttpGraph(
  reader: RegistryReader,
  repository: string,
  roots: Iterable<Digest>,
  { signal, onNode }: { signal: AbortSignal; onNode: () => void },
): Promise<Map<Digest, HttpNode>> {
  const nodes = new Map<Digest, HttpNode>();
  let wanted = new Map<Digest, Wanted>();
  for (const digest of roots) wanted.set(digest, { isManifest: true, isChild: false, sizeBytes: -1 });
  while (wanted.size > 0) {
    const next = new Map<Digest, Wanted>();
    await forEachConcurrently([...wanted], CONCURRENCY, async ([digest, what]) => {
      const { node, found } = await lookAt(reader, repository, digest, what, signal);
      nodes.set(digest, node);
      for (const [needed, how] of found) if (!nodes.has(needed) && !wanted.has(needed)) next.set(needed, how);
      onNode();
    });
    wanted = next;
  }
  return nodes;
}

interface Wanted {
  isManifest: boolean;
  /** An index names it. */
  isChild: boolean;
  /** As whoever needs it says; -1 where nobody does. */
  sizeBytes: number;
}

type Looked = { node: HttpNode; found: [Digest, Wanted][] };

async function lookAt(
  reader: RegistryReader,
  repository: string,
  digest: Digest,
  what: Wanted,
  signal: AbortSignal,
): Promise<Looked> {
  try {
    return what.isManifest
      ? await lookAtManifest(reader, repository, digest, what, signal)
      : await lookAtBlob(reader, repository, digest, what, signal);
  } catch (error) {
    // Another question may be answered, unless it is the registry itself that is away.
    if (!(error instanceof RegistryAnswerError) || error.isPassing) throw error;
    const node = { ...EMPTY, isManifest: what.isManifest, unchecked: messageOf(error) };
    return { node, found: [] };
  }
}

const EMPTY = { flaw: undefined, unchecked: undefined, needs: [], sizeBytes: 0 };

async function lookAtManifest(
  reader: RegistryReader,
  repository: string,
  digest: Digest,
  { isChild }: Wanted,
  signal: AbortSignal,
): Promise<Looked> {
  const content = { repository, reference: digest, isManifest: true };
  const bytes = await reader.read(content, MAX_HTTP_MANIFEST_BYTES, signal);
  const bad = (kind: FindingKind, message: string): Looked => ({
    node: { ...EMPTY, isManifest: true, flaw: { kind, message, digest } },
    found: [],
  });
  if (bytes === undefined) {
    return bad(isChild ? "missing-child" : "missing-manifest", `manifest ${digest} is not there`);
  }
  const actual = digestOf(bytes, digestAlgorithm(digest));
  if (actual !== digest)
    return bad("wrong-digest", `the bytes of manifest ${digest} have the digest ${actual}`);
  let manifest: Manifest;
  try {
    manifest = parseManifest(bytes);
  } catch (error) {
    if (!(error instanceof InvalidManifestError)) throw error;
    return bad("invalid-manifest", `manifest ${digest}: ${error.message}`);
  }
  const found = neededBy(manifest);
  const needs = found.map(([needed]) => needed);
  return { node: { ...EMPTY, isManifest: true, needs, sizeBytes: bytes.length }, found };
}

function neededBy({ blobs, children }: Manifest): [Digest, Wanted][] {
  const wanted = ({ digest, size, mediaType }: Descriptor, isChild: boolean): [Digest, Wanted] => [
    digest,
    { isManifest: isChild && isManifestType(mediaType), isChild, sizeBytes: size },
  ];
  return [
    ...blobs.filter(({ mediaType }) => !isForeignLayer(mediaType)).map((blob) => wanted(blob, false)),
    ...children.map((child) => wanted(child, true)),
  ];
}

async function lookAtBlob(
  reader: RegistryReader,
  repository: string,
  digest: Digest,
  { sizeBytes: expected }: Wanted,
  signal: AbortSignal,
): Promise<Looked> {
  const found = await reader.lookFor({ repository, reference: digest, isManifest: false }, signal);
  const actual = found?.sizeBytes;
  const node: HttpNode = { ...EMPTY, isManifest: false, sizeBytes: actual ?? Math.max(expected, 0) };
  if (found === undefined) {
    node.flaw = { kind: "missing-blob", message: `blob ${digest} is not there`, digest };
  } else if (expected >= 0 && actual !== undefined && actual !== expected) {
    const message = `blob ${digest} has ${actual} bytes, expected ${expected}`;
    node.flaw = { kind: "wrong-size", message, digest };
  }
  return { node, found: [] };
}
