import { PathNotFoundError, RegistryStateError } from "../../errors.ts";
import { formatBytes } from "../../lib/units.ts";
import { ROOT } from "../../registry/paths.ts";
import { canScan, tellsSpaceLeft } from "../../storage/abilities.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { CountedStore } from "./count-store.ts";
import type { StoreMark } from "./target-mark.ts";

/** Tells whether a store has any file of a registry, unfinished uploads not counted. */
export async function hasRegistryFiles(driver: StorageDriver): Promise<boolean> {
  const isOne = (path: string): boolean => !path.includes("/_uploads/");
  if (canScan(driver)) {
    let failure: unknown;
    for await (const batch of driver.scan(ROOT, ({ error }) => (failure ??= error))) {
      if (batch.some(({ path }) => isOne(path))) return true;
    }
    // What could not be listed may hold anything.
    return failure !== undefined && !(failure instanceof PathNotFoundError);
  }
  try {
    for await (const { path } of driver.walk(ROOT)) if (isOne(path)) return true;
  } catch (error) {
    if (!(error instanceof PathNotFoundError)) throw error;
  }
  return false;
}

/** What a target is for a move. */
export type TargetState = "empty" | "ours" | "foreign";

/**
 * @param id - of the move
 * @throws {RegistryStateError} if the target is another move's, or the registry uses it already
 */
export function targetStateOf(mark: StoreMark | undefined, id: string, hasFiles: boolean): TargetState {
  if (mark === undefined) return hasFiles ? "foreign" : "empty";
  if (mark.id !== id) return "foreign";
  if (mark.role === undefined && mark.finishedAt === undefined) return "ours";
  if (mark.role === "source") return "foreign";
  throw new RegistryStateError(
    `this move was finished at ${mark.finishedAt}: the registry uses the target since`,
    {
      hint: "what was pushed to it would be lost; let the configuration name it, then registry-ctl migrate rollback goes back",
    },
  );
}

/**
 * Recognises a source and a target that stand the wrong way round.
 *
 * @returns why the target looks like the store that is in use; undefined if it does not
 */
export function swappedProblem(
  source: CountedStore,
  target: Pick<CountedStore, "manifests" | "tags">,
  newerTags: readonly string[],
): RegistryStateError | undefined {
  const hint =
    "look whether source and target stand the wrong way round: the configuration names the store to copy from";
  if (target.manifests > source.manifests) {
    return new RegistryStateError(
      `the target has ${target.manifests} manifests, and the source ${source.manifests}: copying would put an old state over a newer one`,
      { hint },
    );
  }
  const [first] = newerTags;
  if (first === undefined) return undefined;
  const more = newerTags.length === 1 ? "" : ` and ${newerTags.length - 1} more`;
  return new RegistryStateError(
    `the target has tags that are newer than all at the source: ${first}${more}`,
    { hint },
  );
}

/**
 * @param missingBytes - what is to be copied still
 * @param missingFiles - the same in files
 * @returns why it does not fit; undefined if it does, or nobody can tell
 */
export async function spaceProblem(
  driver: StorageDriver,
  { missingBytes, missingFiles }: { missingBytes: number; missingFiles: number },
): Promise<RegistryStateError | undefined> {
  if (!tellsSpaceLeft(driver)) return undefined;
  const { bytes, files } = await driver.spaceLeft();
  if (missingBytes > bytes) {
    return new RegistryStateError(
      `${formatBytes(missingBytes)} are to be copied, and ${driver.location} has room for ${formatBytes(bytes)}`,
      { hint: "make room, collect garbage first, or name another folder" },
    );
  }
  if (files === undefined || missingFiles <= files) return undefined;
  return new RegistryStateError(
    `${missingFiles} files are to be copied, and ${driver.location} has room for ${files} (inodes)`,
    { hint: "choose a file system with more inodes" },
  );
}
