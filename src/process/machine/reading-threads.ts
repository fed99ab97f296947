import { availableParallelism } from "node:os";

/** More readers than this are not faster, whatever the machine has. */
export const MAX_READING_THREADS = 4;

/** @returns how many threads read a store beside the main thread, which reads too */
export function readingThreads(): number {
  return Math.max(1, Math.min(availableParallelism() - 1, MAX_READING_THREADS));
}
