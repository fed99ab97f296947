import { availableParallelism } from "node:os";

/** More readers than this are not faster, whatever the machine has. */
export const MAX_READING_THREADS = 4;

/**
 * @param least - so many even where there are not as many processors: for work whose main thread would wait for a single one
 * @returns how many threads read a store beside the main thread, which reads too
 */
export function readingThreads(least = 1): number {
  return Math.max(least, Math.min(availableParallelism() - 1, MAX_READING_THREADS));
}
