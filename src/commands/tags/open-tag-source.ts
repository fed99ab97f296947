import { storeName } from "../../config/store-name.ts";
import { type RegistryStateError, UsageError } from "../../errors.ts";
import { openTagRecorder, type TagRecorder } from "../../operations/tags/record-untagged.ts";
import { StoreTags } from "../../operations/tags/store-tags.ts";
import type { TagSource } from "../../operations/tags/tag-source.ts";
import { findRegistries } from "../../process/machine/find-registries.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { refuseMetadataDatabase } from "../../process/refuse-metadata-database.ts";
import { stateFoldersOf } from "../../process/state/find-state.ts";
import { prepareState, reachableState } from "../../process/state/prepare-state.ts";
import { prepareRegistryState, registryStateFolder } from "../../process/state/registry-state.ts";
import type { CommandChange } from "../../state/command-record.ts";
import type { StorageDriver } from "../../storage/driver.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { otherStores } from "../garbage-collect/ask-registries.ts";
import { type RegistryFlags, refuseWithoutRegistry } from "../over-http/registry-flags.ts";

/** What the command line says of where tags are. */
export type TagSourceFlags = StorageFlags & RegistryFlags;

/** What a command does with a source of tags. */
export interface TagSourceUse {
  /** The command, without options, as the history of tags shall name it: `tags delete`. */
  command: string;
  /** `look`: nothing is changed. `try`: a dry run, which is warned of what would stop a real one. `change`: tags are changed. */
  access: "look" | "try" | "change";
  /** What the journal of commands is told of a change before it. */
  change?: CommandChange;
  /** That is told only when `recordChange` of what is opened is called: it is not known before whether anything is changed. */
  mayChangeNothing?: boolean;
}

/** A source of tags, and what belongs to it. */
export interface OpenedTagSource {
  source: TagSource;
  /** What is changed without the source's own methods is to be told to it. */
  recorder: TagRecorder;
  /** Where what was done is remembered, beside the store; undefined: nowhere. Unless something is changed it may not exist. */
  stateFolder: string | undefined;
  /** Undefined where tags are changed over HTTP. */
  driver: StorageDriver | undefined;
  /** Says in the journal of commands that something is about to be changed, once. */
  recordChange(): Promise<void>;
  close(): void;
}

/**
 * Opens where tags are to be taken from: the configured store, or the registry that `--registry` names. A change is said in the journal of commands before.
 *
 * @param argument - the configuration file, where the command takes it as an argument
 * @throws {UsageError} if something is to be changed, and the store only to be read
 * @throws {RegistryStateError} if a metadata database knows what is tagged, or a registry of this host has the same
 *   configuration and another store
 */
export async function openTagSource(
  context: CommandContext,
  argument: string | undefined,
  flags: TagSourceFlags,
  use: TagSourceUse,
): Promise<OpenedTagSource> {
  const { access, command } = use;
  if (access === "change" && flags.readOnlyStore) {
    throw new UsageError("--read-only-store lets nothing be changed, over HTTP or by a server neither", {
      hint: "see what would be done with --dry-run",
    });
  }
  if (flags.registry !== undefined) return openOverHttp(context, flags.registry, flags, use);
  refuseWithoutRegistry(flags);
  const isChange = access === "change";
  const config = await context.loadConfig({ argument, flags, destructive: isChange });
  if (access !== "look") {
    const notice = (text: string): void => context.notice(text, flags);
    for (const problem of otherStores(await findRegistries(config), notice)) refuse(context, use, problem);
  }
  const warn = (text: string): void => void context.stderr.write(`warning: ${text}\n`);
  const { storage } = config.settings;
  const registryUser = await registryUserOf(config);
  const prepared = isChange ? prepareState(storage, flags.stateDir, registryUser) : undefined;
  const [present] = stateFoldersOf(storage, flags.stateDir, registryUser);
  const recordChange = await announceChange(context, storeName(storage), use);
  const driver = await context.openStorage(config, {
    ...flags,
    ...(isChange ? {} : { readOnlyStore: true }),
  });
  await refuseMetadataDatabase(config, driver);
  const state = prepared && reachableState(prepared);
  if (state?.folder === undefined && state?.problem !== undefined)
    warn(`there is no state folder (${state.problem}): what is changed is not in the history`);
  const stateFolder = isChange ? state?.folder : present;
  const recorder = openTagRecorder({
    stateFolder: state?.folder,
    command,
    ranBy: await context.actor(),
    onProblem: warn,
  });
  return {
    ...{ source: new StoreTags(driver, recorder), recorder, stateFolder, driver, recordChange },
    close: () => recorder.close(),
  };
}

/** What is done over HTTP, the registry writes down itself, if it writes anything down. */
async function openOverHttp(
  context: CommandContext,
  url: string,
  flags: TagSourceFlags,
  use: TagSourceUse,
): Promise<OpenedTagSource> {
  if (flags.config !== undefined) {
    throw new UsageError("--config names a store, and --registry a registry over HTTP: give one of them");
  }
  const [{ openRegistry }, { HttpTags }] = await Promise.all([
    import("../over-http/open-registry.ts"),
    import("../../operations/tags/http-tags.ts"),
  ]);
  const { command, access } = use;
  const client = await openRegistry(context, url, flags);
  const isChange = access === "change";
  const recordChange = await announceChange(context, client.name, use);
  const onProblem = (): void => undefined;
  const ranBy = await context.actor();
  const recorder = openTagRecorder({ stateFolder: undefined, command, ranBy, onProblem });
  const stateFolder = isChange
    ? prepareRegistryState(client.name, flags.stateDir).folder
    : registryStateFolder(client.name, flags.stateDir);
  return {
    ...{ source: new HttpTags(client), recorder, stateFolder, driver: undefined, recordChange },
    close: () => recorder.close(),
  };
}

/** @returns what says that something is about to be changed; unless nothing may come to be, it has been said */
async function announceChange(
  context: CommandContext,
  target: string,
  { access, change, mayChangeNothing }: TagSourceUse,
): Promise<() => Promise<void>> {
  let recorded: Promise<void> | undefined;
  const record = (): Promise<void> => {
    recorded ??= context.recordChange({ target, ...change });
    return recorded;
  };
  if (access !== "change") return async () => {};
  await (mayChangeNothing ? context.expectChange() : record());
  return record;
}

/** A dry run goes on with a warning. */
function refuse(context: CommandContext, { access }: TagSourceUse, problem: RegistryStateError): void {
  if (access === "change") throw problem;
  context.stderr.write(`warning: a real run would refuse: ${problem.message}\n`);
}
