import type { Progress } from "./tag-commands-progress.ts";

/** How a command ended; undefined as exit code if it was killed. */
export interface CommandEnd {
  exitCode: number | undefined;
  stderr: string;
}

/** A command that changes tags, and what it may have come to. */
export interface TagCommand {
  kind: "delete" | "cleanup" | "retry" | "set" | "restore" | "move" | "collect";
  words: string[];
  progress: Progress;
  /** Called when nothing runs any more. */
  settle: (end: CommandEnd) => void;
}
