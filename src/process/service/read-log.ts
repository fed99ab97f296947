import type { LogSource } from "../../control/service.ts";
import { readLastLines } from "./last-lines.ts";
import { runProgram } from "./run-program.ts";

const TIMEOUT_MS = 10_000;

/** @returns the last lines of a log, at the most `count`; none if they cannot be had */
export async function readLog(source: LogSource, count: number): Promise<string[]> {
  switch (source.kind) {
    case "file":
      return readLastLines(source.path, count);
    case "program": {
      const { exitCode, output } = await runProgram(source.file, source.args(count, false), {
        timeoutMs: TIMEOUT_MS,
      });
      return exitCode === 0 && output !== "" ? output.split("\n").slice(-count) : [];
    }
    case "none":
      return [];
  }
}
