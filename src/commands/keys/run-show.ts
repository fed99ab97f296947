import { resolve } from "node:path";
import { PemError } from "../../lib/pem-blocks.ts";
import { readKeyFile } from "../../operations/keys/read-key-file.ts";
import { showPem } from "../../operations/keys/show-pem.ts";
import type { CommandContext, GlobalFlags } from "../context.ts";
import { renderShown, type ShowReport } from "./render-shown.ts";

/** Reports what is in files. */
export async function runShow(context: CommandContext, files: string[], flags: GlobalFlags): Promise<void> {
  const report: ShowReport = { schemaVersion: 1, command: "keys show", files: [] };
  for (const file of files) {
    const { content } = readKeyFile(resolve(context.cwd, file), file);
    try {
      report.files.push({ file, items: await showPem(content, Date.now()) });
    } catch (error) {
      if (!(error instanceof PemError)) throw error;
      throw new PemError(`${file}: ${error.message}`, { hint: error.hint, cause: error });
    }
  }
  context.report(report, renderShown, flags);
}
