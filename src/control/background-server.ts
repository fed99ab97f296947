/** A server that was started in the background, and of which is not known yet whether it serves. */
export interface BackgroundServer {
  pid: number;
  /** Path of its log. */
  log: string;
  /** Undefined: it is still there. A signal is told as a shell tells it: 128 and its number. */
  exitCode(): number | undefined;
  /** @returns the last lines that it has written since it was started */
  lastLines(count: number): string[];
  /** Ends it, by force if it does not listen, and waits for that. */
  end(): Promise<void>;
  /** It may outlive us. */
  letGo(): void;
}
