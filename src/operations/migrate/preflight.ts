import type { StorageSettings } from "../../config/settings.ts";
import { RegistryStateError } from "../../errors.ts";
import { mergeScans } from "../../registry/copy/merge-scans.ts";
import { classifyPath, REPOSITORIES_ROOT } from "../../registry/paths.ts";
import { readSmallFile, statSmallFile } from "../../registry/small-file.ts";
import { liveNodes, type NodeMachine } from "../../state/nodes.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import { type CountedStore, countStore } from "./count-store.ts";
import {
  hasRegistryFiles,
  spaceProblem,
  swappedProblem,
  type TargetState,
  targetStateOf,
} from "./look-at-target.ts";
import { partBytesOf } from "./migration-plan.ts";
import { removeOldProbes } from "./probe-objects.ts";
import { refuseSameNames, refuseSameStore } from "./same-store.ts";
import { readMark } from "./target-mark.ts";
import { tryPermissions } from "./try-permissions.ts";

/** What is looked at before a copy begins. */
export interface PreflightDependencies {
  source: { settings: StorageSettings; driver: StorageDriver };
  target: { settings: StorageSettings; driver: StorageDriver };
  /** Of the move. */
  id: string;
  /** An earlier run has copied something already. */
  isKnown: boolean;
  machine: NodeMachine;
  signal: AbortSignal;
  onProgress: (text: string) => void;
}

/** Options of {@link preflight}. */
export interface PreflightOptions {
  allowEmpty: boolean;
}

/** What was found. */
export interface Preflight {
  state: TargetState;
  /** What there is to copy; undefined where an earlier run has begun: it knows. */
  counted: CountedStore | undefined;
}

/**
 * Looks at both stores, tries what is needed, and refuses what looks like a mistake. Nothing but probe files is written.
 *
 * @throws {UsageError} if both are one store
 * @throws {RegistryStateError} if the source is empty, the target is in use by a server or another move, or it has not enough room
 * @throws {StorageUnavailableError} if a store cannot be reached, or does not permit something
 */
export async function preflight(
  { source, target, id, isKnown, machine, signal, onProgress }: PreflightDependencies,
  { allowEmpty }: PreflightOptions,
): Promise<Preflight> {
  refuseSameNames(source.settings, target.settings);
  onProgress("trying the target");
  await removeOldProbes(target.driver, Date.now());
  const partBytes = partBytesOf(target.settings);
  await tryPermissions(target.driver, { partBytes, signal });
  await refuseSameStore(source, target);
  onProgress("looking at the target");
  await refuseServed(target.driver, machine);
  const state = targetStateOf(await readMark(target.driver), id, await hasRegistryFiles(target.driver));
  if (isKnown && state === "ours") {
    await requireMounted(source.driver, allowEmpty);
    return { state, counted: undefined };
  }
  const counted = await countStore(source.driver, {
    signal,
    onProgress: ({ files }) => onProgress(`counting: ${files} files`),
  });
  refuseOddSource(source.driver, counted, allowEmpty);
  if (state === "foreign") await refuseNewer(source.driver, target.driver, counted, { signal, onProgress });
  if (state === "empty") {
    const space = await spaceProblem(target.driver, {
      missingBytes: counted.bytes,
      missingFiles: counted.files,
    });
    if (space !== undefined) throw space;
  }
  return { state, counted };
}

/** What clients push to the target would be overwritten or removed. */
async function refuseServed(target: StorageDriver, machine: NodeMachine): Promise<void> {
  const server = (await liveNodes(target, machine)).find(({ readOnly }) => !readOnly);
  if (server === undefined) return;
  throw new RegistryStateError(
    `a server that takes writes works on the target already: ${server.host} (${server.address})`,
    {
      hint: "stop it, or make it read-only: what is pushed to it would be lost; a server that is gone counts for ten minutes",
    },
  );
}

/** An earlier run has found files there. */
async function requireMounted(driver: StorageDriver, allowEmpty: boolean): Promise<void> {
  if (allowEmpty || (await hasRegistryFiles(driver))) return;
  throw nothingThere(driver);
}

function refuseOddSource({ location }: StorageDriver, counted: CountedStore, allowEmpty: boolean): void {
  const [failure] = counted.failures;
  if (failure !== undefined) {
    throw new RegistryStateError(
      `${failure.path} at the source cannot be listed: not all of it would be copied`,
      {
        hint: "put that right first; nothing was copied",
        cause: failure.error,
      },
    );
  }
  if (allowEmpty) return;
  if (counted.files === 0) throw nothingThere({ location });
  if (counted.manifests === 0 && counted.blobs > 0) {
    throw new RegistryStateError(`${location} has ${counted.blobs} blobs, and not one manifest`, {
      hint: "check that all of the store is mounted; if it is so indeed, give --allow-empty",
    });
  }
}

function nothingThere({ location }: Pick<StorageDriver, "location">): RegistryStateError {
  return new RegistryStateError(`there is nothing of a registry in ${location}`, {
    hint: "check that it is mounted, and that the configuration is the right one; if it is empty indeed, give --allow-empty",
  });
}

async function refuseNewer(
  source: StorageDriver,
  target: StorageDriver,
  counted: CountedStore,
  { signal, onProgress }: Pick<PreflightDependencies, "signal" | "onProgress">,
): Promise<void> {
  const there = { manifests: 0, tags: 0 };
  const newer: string[] = [];
  let files = 0;
  const merged = mergeScans(source, target, REPOSITORIES_ROOT, { onFailure: () => undefined, signal });
  for await (const batch of merged) {
    files += batch.length;
    onProgress(`looking what the target has: ${files} files`);
    for (const { path, source: ours, target: theirs } of batch) {
      if (theirs === undefined) continue;
      const entry = classifyPath(path);
      if (entry.kind === "revisionLink") there.manifests++;
      if (entry.kind !== "tagLink") continue;
      there.tags++;
      if (await isNewer({ source, target }, path, ours !== undefined, counted.newestTagMs)) {
        newer.push(`${entry.repository}:${entry.tag}`);
      }
    }
  }
  const problem = swappedProblem(counted, there, newer);
  if (problem !== undefined) throw problem;
}

/** Copies have the time at which they were copied: only a tag that says something else tells. */
async function isNewer(
  { source, target }: { source: StorageDriver; target: StorageDriver },
  path: string,
  isInBoth: boolean,
  newestMs: number,
): Promise<boolean> {
  const there = await statSmallFile(target, path);
  if (there === undefined || there.modifiedMs <= newestMs) return false;
  if (!isInBoth) return true;
  const [ours, theirs] = await Promise.all([readSmallFile(source, path), readSmallFile(target, path)]);
  return ours === undefined || theirs === undefined || !Buffer.from(ours).equals(theirs);
}
