import type { UsageProgress } from "../../operations/usage/read-usage.ts";

/** @returns one line for a progress display */
export function renderUsageProgress({ phase, repositories, manifests, blobs }: UsageProgress): string {
  if (phase === "repositories") {
    return `looking at repositories: ${repositories}, with ${manifests} manifests; safe to stop`;
  }
  return `looking at blobs: ${blobs}; safe to stop`;
}
