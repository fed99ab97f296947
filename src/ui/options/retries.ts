import { type Command, InvalidArgumentError, Option } from "commander";

const MOST = 1000;

/** GitLab retries as often. */
const DEFAULT_RETRIES = 10;

/** What {@link withRetries} adds. */
export interface RetriesFlags {
  retries: number;
}

/** Adds `--retries`: how often a deletion that fails is tried again. Read it with {@link attemptsOf}. */
export function withRetries(command: Command): Command {
  return command.addOption(
    new Option(
      "--retries <n>",
      "how often a deletion that fails is tried again, after waits that grow; then it is remembered: see registry-ctl deletions --help",
    )
      .default(DEFAULT_RETRIES)
      .argParser(parseRetries),
  );
}

/** @returns how often a deletion is tried in all */
export function attemptsOf({ retries }: RetriesFlags): number {
  return retries + 1;
}

function parseRetries(text: string): number {
  const retries = Number(text);
  if (!/^\d{1,4}$/.test(text) || retries > MOST)
    throw new InvalidArgumentError(`It is a number from 0 to ${MOST}.`);
  return retries;
}
