import { readdirSync, readFileSync } from "node:fs";

/** What a watch over the process list has seen. */
export interface SeenCommandLines {
  /** All command lines of this machine since the beginning, words parted by blanks. */
  all: ReadonlySet<string>;
  /** Those with one of the texts that were looked for. */
  leaks: readonly string[];
}

const EVERY_MS = 10;

/**
 * Reads the command lines of all processes again and again, as `ps` shows them to everybody.
 *
 * @param texts - which none of them may have
 * @returns a function that ends it
 */
export function watchCommandLines(texts: readonly string[]): () => SeenCommandLines {
  const all = new Set<string>();
  const look = (): void => {
    for (const pid of readdirSync("/proc")) if (/^\d+$/.test(pid)) all.add(commandLineOf(pid));
  };
  look();
  const timer = setInterval(look, EVERY_MS);
  return () => {
    clearInterval(timer);
    look();
    return { all, leaks: [...all].filter((line) => texts.some((text) => line.includes(text))) };
  };
}

function commandLineOf(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    // It has ended.
    return "";
  }
}
