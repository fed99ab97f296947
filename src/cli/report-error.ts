import { RegistryCtlError } from "../errors.ts";
import { maskText } from "../lib/mask-secrets.ts";
import { messageOf } from "../lib/message-of.ts";
import { printable } from "../lib/printable.ts";
import type { Colours } from "../ui/colour.ts";

/** How an error is to be shown. */
export interface ErrorReportOptions {
  json: boolean;
  verbose: boolean;
  version: string;
  /** Words of the command line, without options and their values. */
  command: string;
  colours: Colours;
}

/**
 * @returns what stderr shows for an error, with a final newline: one sentence and a hint for what a user can mend;
 *   the stack only with `--verbose` or for an error that nobody expected. Secrets in URLs and tokens are masked
 */
export function renderError(error: unknown, options: ErrorReportOptions): string {
  const known = error instanceof RegistryCtlError;
  const message = maskText(messageOf(error));
  const stack = error instanceof Error ? maskText(stackWithCauses(error)) : undefined;
  const hint = known && error.hint !== undefined ? maskText(error.hint) : undefined;
  if (options.json) {
    const body = {
      code: known ? error.code : "ERR_UNEXPECTED",
      message,
      ...(hint === undefined ? {} : { hint }),
      ...(!known || options.verbose ? { stack, version: options.version } : {}),
    };
    return `${JSON.stringify({ schemaVersion: 1, error: body })}\n`;
  }
  if (known) {
    const lines = [`${options.colours.error("error:")} ${printable(message)}`];
    if (hint !== undefined) lines.push(`hint: ${printable(hint)}`);
    if (options.verbose && stack !== undefined) lines.push(printable(stack));
    return `${lines.join("\n")}\n`;
  }
  return [
    `${options.colours.error("unexpected error:")} ${printable(message)}`,
    stack === undefined ? undefined : printable(stack),
    `This is a bug in registry-ctl ${options.version} (command: ${options.command}, node ${process.version}). Please report it with the lines above.`,
    "",
  ].join("\n");
}

function stackWithCauses(error: Error): string {
  const own = error.stack ?? error.message;
  return error.cause instanceof Error ? `${own}\ncaused by: ${stackWithCauses(error.cause)}` : own;
}
