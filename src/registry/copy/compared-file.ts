import type { ScannedFile } from "../../storage/abilities.ts";

/** One path that at least one of two stores has. */
export interface ComparedFile {
  path: string;
  source?: ScannedFile | undefined;
  target?: ScannedFile | undefined;
}
