import { tmpdir } from "node:os";
import { parseArgs } from "node:util";
import { runLive } from "../test/support/live/run-live.ts";
import { withWorkFolder } from "./gc/work-folder.ts";

const USAGE = "usage: live [--minutes 10] [--clients 8] [--folder FOLDER]";

/**
 * Lets clients push and pull while every command works on the registry, and prints what was done and what failed. Exit
 * code 1 if anything did.
 *
 * @param args - flags
 * @throws {Error} if a flag is wrong
 */
export async function live(args: readonly string[]): Promise<void> {
  const { values } = parseArgs({
    args: [...args],
    options: {
      minutes: { type: "string", default: "10" },
      clients: { type: "string", default: "8" },
      folder: { type: "string", default: tmpdir() },
    },
  });
  const minutes = Number(values.minutes);
  const clients = Number(values.clients);
  if (!(minutes > 0) || !Number.isInteger(clients) || clients < 3) throw new Error(USAGE);
  await withWorkFolder(values.folder, async (folder) => {
    const { counts, failures } = await runLive({ folder, durationMs: minutes * 60_000, clients });
    for (const [what, count] of Object.entries(counts)) console.log(`${what.padEnd(20)}${count}`);
    for (const failure of failures) console.log(failure);
    if (failures.length > 0) process.exitCode = 1;
  });
}
