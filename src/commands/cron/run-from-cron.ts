import { hostname } from "node:os";
import { UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { formatSpan } from "../../lib/spans-of-time.ts";
import { runQuietly } from "../../process/run-quietly.ts";
import type { CommandContext } from "../context.ts";

/** Runs another command and says nothing unless it fails; then one paragraph that says all that a mail has to. */
export async function runFromCron(context: CommandContext, words: readonly string[]): Promise<void> {
  const [name = ""] = words;
  if (name === "cron" || name.startsWith("-")) {
    throw new UsageError(`cron run runs no ${name}`, {
      hint: "name the command behind --: cron run -- garbage-collect ...",
    });
  }
  const { exitCode, messages, seconds } = await runQuietly(words, context.signal);
  if (exitCode === 0) return;
  const head = `registry-ctl ${name} on ${hostname()} ended with exit code ${exitCode} after ${formatSpan(seconds)}.`;
  const lines = [
    head,
    ...(messages === "" ? [] : [messages]),
    `It was run as: registry-ctl ${words.join(" ")}`,
  ];
  context.stderr.write(`${printable(lines.join("\n"))}\n`);
  context.setExitCode(exitCode);
}
