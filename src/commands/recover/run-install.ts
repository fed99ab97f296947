import { resolve } from "node:path";
import { refuseOutside } from "../../operations/derived/inside-root.ts";
import { changesOf } from "../../operations/derived/planned-file.ts";
import { planRecoverUnit, RECOVER_UNIT } from "../../operations/service/recover-unit.ts";
import { writePlannedFiles } from "../../process/files/write-planned-files.ts";
import { ownProgram } from "../../process/own-program.ts";
import { coloursFor } from "../../ui/colour.ts";
import { isDryRun } from "../../ui/options/dry-run.ts";
import type { CommandContext } from "../context.ts";
import { rootFolder } from "../cron/places.ts";
import { renderChanges } from "../cron/render-changes.ts";
import type { RecoverFlags } from "./run.ts";

/** What came of `recover --install`; with `--json` it is the document. */
interface InstallReport {
  schemaVersion: 1;
  command: "recover --install";
  dryRun: boolean;
  /** Paths of files that were changed, or would be. */
  changed: string[];
  /** What is left to do, as command lines. */
  next: string[];
}

/** Runs `recover --install`. */
export async function runInstall(
  context: CommandContext,
  flags: RecoverFlags & { color?: boolean },
): Promise<void> {
  const dryRun = isDryRun(flags);
  const { stateDir } = flags;
  const root = rootFolder(flags, context.cwd);
  const changes = changesOf([
    planRecoverUnit(root, {
      program: ownProgram(),
      stateDir: stateDir === undefined ? undefined : resolve(context.cwd, stateDir),
    }),
  ]);
  refuseOutside(root, changes);
  const stream = dryRun ? context.stdout : context.stderr;
  const diff = renderChanges(
    changes,
    coloursFor(stream, { env: context.env, noColor: flags.color === false }),
  );
  if (changes.length > 0 && !dryRun) {
    if (!flags.quiet || !flags.yes) context.stderr.write(`${diff}\n`);
    await context.confirm("Write this file?", flags);
    await context.recordChange({ target: changes.map(({ path }) => path).join(", ") });
    await writePlannedFiles(changes);
  }
  const report: InstallReport = {
    schemaVersion: 1,
    command: "recover --install",
    dryRun,
    changed: changes.map(({ path }) => path),
    next: ["systemctl daemon-reload", `systemctl enable ${RECOVER_UNIT}`],
  };
  context.report(report, (result) => renderInstalled(result, diff), flags);
}

function renderInstalled({ dryRun, changed, next }: InstallReport, diff: string): string {
  if (changed.length === 0) return "nothing to change: it is installed";
  if (dryRun) return `${diff}\nnothing was changed (dry run)`;
  return [...changed.map((path) => `written: ${path}`), "now run:", ...next.map((line) => `  ${line}`)].join(
    "\n",
  );
}
