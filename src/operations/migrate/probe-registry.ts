import { askRegistry, type ProbeTarget, type RegistryAnswer } from "../../client/ask-registry.ts";
import { probeReads } from "../../client/read-probe.ts";
import { PROBE_REPOSITORY } from "../../client/write-probe.ts";
import { RegistryCtlError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import { type Digest, isDigest } from "../../oci/digest.ts";
import { parseManifest } from "../../oci/manifest.ts";
import { DOCKER_MANIFEST, DOCKER_MANIFEST_LIST, OCI_INDEX, OCI_MANIFEST } from "../../oci/media-types.ts";
import { isParked } from "../../registry/parked.ts";
import { blobDataPath, classifyPath, REPOSITORIES_ROOT } from "../../registry/paths.ts";
import { readSmallFile } from "../../registry/small-file.ts";
import { canScan } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { pause } from "../readonly/registry-facts.ts";

const ACCEPT = [OCI_INDEX, OCI_MANIFEST, DOCKER_MANIFEST_LIST, DOCKER_MANIFEST].join(", ");
const MAX_MANIFEST_BYTES = 4 * 1024 * 1024;
/** Where a client may download from directly is asked for so long. */
const REDIRECT_TIMEOUT_MS = 20_000;

/** As a registry answers writes that is read-only. */
const READ_ONLY = 405;
/** Servers look at the locks of their store every few seconds. */
const PATIENCE_MS = 20_000;
const RETRY_MS = 100;

/** A tag of a store and what it points to. */
interface SampleTag {
  repository: string;
  tag: string;
  digest: Digest;
}

/**
 * Asks a registry for a manifest and a blob that its store has.
 *
 * @param expectsRedirect - the blob is to be downloaded from the bucket directly
 * @returns what was asked and answered, for people
 * @throws {RegistryCtlError} `ERR_PROBE` if an answer is another one than it should be
 */
export async function probePull(
  target: ProbeTarget,
  driver: StorageDriver,
  expectsRedirect: boolean,
): Promise<string[]> {
  const reads = await probeReads(target);
  if (reads.kind === "denied") return [`it asks who wants to know (${reads.answer}): no pull was tried`];
  if (reads.kind !== "works") throw failed("a read", reads.kind === "nobody" ? "by nobody" : reads.answer);
  const sample = await firstTag(driver);
  if (sample === undefined) return ["a read works; there is no tag to pull"];
  const { repository, tag, digest } = sample;
  const name = `${repository}:${tag}`;
  const manifest = await ask(target, `v2/${repository}/manifests/${tag}`, ACCEPT);
  const { statusCode, headers } = manifest.response;
  if (statusCode === 401 || statusCode === 403) return ["a read works; pulls ask who wants to know"];
  if (statusCode !== 200) throw failed(`the manifest of ${name}`, `${statusCode}`);
  const given = headers["docker-content-digest"];
  if (given !== digest)
    throw failed(`the manifest of ${name}`, `with the digest ${String(given)}, not ${digest}`);
  const told = [`${name} can be pulled`];
  const blob = await configOf(driver, digest);
  if (blob === undefined) return told;
  const { response } = await ask(target, `v2/${repository}/blobs/${blob}`);
  const { location } = response.headers;
  if (response.statusCode === 307 && location !== undefined) {
    await requireDownload(location, blob);
    told.push("its config comes from the bucket directly");
  } else if (response.statusCode !== 200)
    throw failed(`the blob ${blob} of ${name}`, `${response.statusCode}`);
  else
    told.push(
      expectsRedirect ? "its config comes through the registry, not from the bucket" : "its config too",
    );
  return told;
}

/**
 * Begins an upload and cancels it. A server that has looked for the lock of a store while a move had it takes writes a few seconds after the lock
 * is gone.
 *
 * @param options.patienceMs - for so long a registry may be read-only still
 * @returns what was answered, for people
 * @throws {RegistryCtlError} `ERR_PROBE` if the registry takes none
 */
export async function probePush(
  target: ProbeTarget,
  { patienceMs = PATIENCE_MS }: { patienceMs?: number } = {},
): Promise<string> {
  const path = `v2/${PROBE_REPOSITORY}/blobs/uploads/`;
  const deadlineMs = performance.now() + patienceMs;
  let begun = await ask(target, path, undefined, "POST");
  while (begun.response.statusCode === READ_ONLY && performance.now() < deadlineMs) {
    await pause(RETRY_MS, undefined);
    begun = await ask(target, path, undefined, "POST");
  }
  const { statusCode, headers } = begun.response;
  if (statusCode === 401 || statusCode === 403) return "pushes ask who wants to know: none was tried";
  if (statusCode !== 202 || headers.location === undefined)
    throw failed("the beginning of an upload", `${statusCode}`);
  const { pathname, search } = new URL(headers.location, "http://localhost");
  const upload = `${pathname}${search}`;
  const below = upload.startsWith(target.prefix) ? upload.slice(target.prefix.length) : upload.slice(1);
  const ended = await ask(target, below, undefined, "DELETE");
  if (ended.response.statusCode !== 204) throw failed("the end of an upload", `${ended.response.statusCode}`);
  return "an upload was begun and cancelled";
}

async function ask(
  target: ProbeTarget,
  path: string,
  accept?: string,
  method: "GET" | "POST" | "DELETE" = "GET",
): Promise<Extract<RegistryAnswer, { kind: "answer" }>> {
  const answers = await askRegistry(target, { method, path, ...(accept === undefined ? {} : { accept }) });
  const answer = answers.find(({ kind }) => kind === "answer");
  if (answer?.kind === "answer") return answer;
  const broken = answers.find(({ kind }) => kind === "broken");
  throw failed(path, broken?.kind === "broken" ? `not at all: ${broken.reason}` : "by nobody");
}

/** A presigned address tells that the bucket takes what the registry signs. */
async function requireDownload(location: string, digest: Digest): Promise<void> {
  let status: number;
  try {
    const response = await fetch(location, {
      headers: { range: "bytes=0-0" },
      signal: AbortSignal.timeout(REDIRECT_TIMEOUT_MS),
    });
    status = response.status;
    await response.body?.cancel();
  } catch (cause) {
    throw new RegistryCtlError(
      "ERR_PROBE",
      `the address in the bucket for ${digest} cannot be reached: ${messageOf(cause)}`,
      {
        cause,
        hint: "clients must reach the bucket; else leave out --redirect",
      },
    );
  }
  if (status !== 200 && status !== 206) throw failed(`the address in the bucket for ${digest}`, `${status}`);
}

function failed(what: string, answer: string): RegistryCtlError {
  return new RegistryCtlError("ERR_PROBE", `${what} was answered ${answer}`, {
    hint: "see the registry's log: registry-ctl tail",
  });
}

async function firstTag(driver: StorageDriver): Promise<SampleTag | undefined> {
  for await (const path of pathsOf(driver)) {
    const entry = classifyPath(path);
    if (entry.kind !== "tagLink" || isParked(entry.repository)) continue;
    const link = await readSmallFile(driver, path, MAX_MANIFEST_BYTES);
    const digest = link === undefined ? "" : Buffer.from(link).toString().trim();
    if (isDigest(digest)) return { repository: entry.repository, tag: entry.tag, digest };
  }
  return undefined;
}

async function* pathsOf(driver: StorageDriver): AsyncIterable<string> {
  if (canScan(driver)) {
    for await (const batch of driver.scan(REPOSITORIES_ROOT, () => undefined)) {
      for (const { path } of batch) yield path;
    }
    return;
  }
  for await (const { path } of driver.walk(REPOSITORIES_ROOT)) yield path;
}

/** @returns undefined for what has none */
async function configOf(driver: StorageDriver, digest: Digest): Promise<Digest | undefined> {
  const bytes = await readSmallFile(driver, blobDataPath(digest), MAX_MANIFEST_BYTES);
  try {
    return bytes && parseManifest(bytes).blobs[0]?.digest;
  } catch {
    return undefined;
  }
}
