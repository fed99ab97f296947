import { readdirSync, statSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { runProgram } from "./run-program.ts";

const PROJECT = fileURLToPath(new URL("../../", import.meta.url));

/** Runs `npm run build` if the built program is missing, or older than a source file. */
export async function buildIfNeeded(signal: AbortSignal, onStep: (step: string) => void): Promise<void> {
  const built = modifiedMs(join(PROJECT, "dist/cli/main.js"));
  const sources = readdirSync(join(PROJECT, "src"), { recursive: true, encoding: "utf8" });
  if (sources.every((source) => modifiedMs(join(PROJECT, "src", source)) <= built)) return;
  onStep("building");
  await runProgram(["npm", "--prefix", PROJECT, "run", "--silent", "build"], signal);
}

function modifiedMs(path: string): number {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0;
}
