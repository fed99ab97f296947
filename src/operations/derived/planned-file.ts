/** A file that is to be written, changed or taken away. */
export interface PlannedFile {
  /** Absolute. */
  path: string;
  /** What is in it now; undefined: there is none. */
  before: string | undefined;
  /** What is to be in it; undefined: it is to go. */
  after: string | undefined;
  /** Permission bits of a new file, and of one that is ours; undefined: those that it has. */
  mode?: number;
  /** What is in it now stays beside it, under another name. */
  keepsBefore?: boolean;
}

/** How the files begin that this program makes. */
const OUR_HEAD = "# Made by registry-ctl ";

/** Tells whether what is in a file was written by somebody else, who may want it back. */
export function isOfOthers(text: string | undefined): boolean {
  return text !== undefined && !text.startsWith(OUR_HEAD);
}

/** @returns those that are not yet as they should be */
export function changesOf(files: readonly PlannedFile[]): PlannedFile[] {
  return files.filter(({ before, after }) => before !== after);
}
