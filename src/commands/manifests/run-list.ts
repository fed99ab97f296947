import { join } from "node:path";
import { printable } from "../../lib/printable.ts";
import { writeChunks } from "../../lib/write-chunks.ts";
import { listManifests } from "../../operations/manifests/list-manifests.ts";
import { openTagRecorder } from "../../operations/tags/record-untagged.ts";
import { StoreTags } from "../../operations/tags/store-tags.ts";
import { registryUserOf } from "../../process/machine/registry-user.ts";
import { refuseMetadataDatabase } from "../../process/refuse-metadata-database.ts";
import { journalFoldersOf, stateFoldersOf } from "../../process/state/find-state.ts";
import { AUDIT_FILE, AUDIT_FOLDER } from "../../state/audit-log.ts";
import { COMMAND_JOURNAL_FILE } from "../../state/command-journal.ts";
import type { CommandContext, StorageFlags } from "../context.ts";
import { checkRepository } from "../tags/run-list.ts";
import { renderManifestsCsv, renderManifestsJson, renderManifestsTable } from "./render-list.ts";

/** What the command line of `manifests list` says. */
export interface ListManifestsFlags extends StorageFlags {
  untagged?: boolean;
  format: "table" | "csv" | "json";
}

const READ_IN_PART = 3;

/** Runs `manifests list`. */
export async function runListManifests(
  context: CommandContext,
  repository: string,
  flags: ListManifestsFlags,
): Promise<void> {
  checkRepository(repository);
  const config = await context.loadConfig({ flags });
  const folders = stateFoldersOf(config.settings.storage, flags.stateDir, await registryUserOf(config));
  const history = {
    audits: folders.map((folder) => join(folder, AUDIT_FOLDER, AUDIT_FILE)),
    journals: journalFoldersOf(folders, flags.stateDir).map((folder) => join(folder, COMMAND_JOURNAL_FILE)),
  };
  const driver = await context.openStorage(config, { ...flags, readOnlyStore: true });
  await refuseMetadataDatabase(config, driver);
  const recorder = openTagRecorder({
    ...{ stateFolder: undefined, command: "manifests list", ranBy: await context.actor() },
    onProblem: () => undefined,
  });
  const { signal } = context;
  const progress = context.progress(`reading the manifests of ${repository}`, flags);
  let listed: Awaited<ReturnType<typeof listManifests>>;
  try {
    const tags = await new StoreTags(driver, recorder).tags(repository, signal);
    const untagged = flags.untagged ?? false;
    listed = await listManifests(driver, { repository, tags, untagged, history, signal });
  } finally {
    progress.stop();
  }
  const { manifests, problems } = listed;
  const unreadable = manifests.filter(({ created }) => created.kind === "unreadable");
  const tell = (text: string): void => void context.stderr.write(`warning: ${printable(text)}\n`);
  for (const problem of problems) tell(problem);
  for (const { digest, created } of unreadable)
    if (created.kind === "unreadable") tell(`${digest} cannot be read: ${created.reason}`);
  const format = flags.json ? "json" : flags.format;
  const render = { table: renderManifestsTable, csv: renderManifestsCsv, json: renderManifestsJson }[format];
  await writeChunks(context.stdout, render(manifests, repository), signal);
  signal.throwIfAborted();
  if (problems.length + unreadable.length > 0) context.setExitCode(READ_IN_PART);
}
