import { once } from "node:events";
import { StringDecoder } from "node:string_decoder";
import type { LogSource } from "../../control/service.ts";
import { CancelledError, RegistryStateError, UsageError } from "../../errors.ts";
import { printable } from "../../lib/printable.ts";
import { findLog } from "../../process/service/find-log.ts";
import { followLog } from "../../process/service/follow-log.ts";
import type { CommandContext } from "../context.ts";
import { type HostFlags, openHost } from "../start/open-host.ts";

/** What the command line of `tail` says. */
export interface TailFlags extends HostFlags {
  follow?: boolean;
  lines: number;
}

/** Runs `tail`. */
export async function runTail(
  context: CommandContext,
  argument: string | undefined,
  flags: TailFlags,
): Promise<void> {
  if (flags.json) throw new UsageError("tail has no --json: it shows lines as they are");
  const { config, host, remember } = await openHost(context, argument, flags);
  const source = await findLog(config, host, flags.stateDir);
  if (source.kind === "none")
    throw new RegistryStateError(source.reason, { hint: "see registry-ctl tail --help" });
  remember();
  context.notice(`log:    ${nameOf(source, flags)}`, flags);
  const { lines, follow = false } = flags;
  const ended = new AbortController();
  // Nobody reads any more (`| head`).
  const onError = () => ended.abort();
  context.stdout.once("error", onError);
  const signal = AbortSignal.any([context.signal, ended.signal]);
  const decoder = new StringDecoder("utf8");
  const isTerminal = "isTTY" in context.stdout && context.stdout.isTTY === true;
  for await (const chunk of followLog(source, { lines, follow, signal })) {
    if (ended.signal.aborted) break;
    const text = typeof chunk === "string" ? chunk : decoder.write(Buffer.from(chunk));
    if (context.stdout.write(isTerminal ? shown(text) : text)) continue;
    await Promise.race([once(context.stdout, "drain").catch(() => undefined), once(signal, "abort")]);
  }
  context.stdout.removeListener("error", onError);
  if (context.signal.aborted) context.setExitCode(context.exitCodeOf(new CancelledError()));
}

/** Programs use tabs in their logs; they command nothing. */
function shown(text: string): string {
  return text.split("\t").map(printable).join("\t");
}

function nameOf(source: Exclude<LogSource, { kind: "none" }>, { lines, follow = false }: TailFlags): string {
  return source.kind === "file" ? source.path : [source.file, ...source.args(lines, follow)].join(" ");
}
