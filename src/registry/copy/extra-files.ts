import {
  appendFileSync,
  createReadStream,
  createWriteStream,
  existsSync,
  renameSync,
  rmSync,
  writeFileSync,
} from "node:fs";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { compareKeys } from "../../storage/key-order.ts";
import { BLOBS_ROOT, REPOSITORIES_ROOT } from "../paths.ts";
import type { PlannedDeletes, SyncPosition } from "./sync-options.ts";
import { type SyncedKind, syncedFileAt } from "./synced-file.ts";

/** What names goes before what is named, so that a run that dies in between leaves garbage and nothing that dangles. */
export const DELETION_ORDER: readonly SyncedKind[] = ["tag", "history", "revision", "layer", "other", "blob"];

/** A file that only the target has. */
export interface ExtraFile {
  path: string;
  sizeBytes: number;
}

/** Tells a folder with empty lists from one whose lists are gone. */
const MARKER = "extra-files";
const FLUSH_CHARACTERS = 64 * 1024;

/**
 * The files that only the target has, in lists on disk by what they are: there may be as many as the registry has files.
 * Each list is in key order.
 */
export class ExtraFiles {
  readonly #folder: string | undefined;
  readonly #buffers = new Map<SyncedKind, string[]>();
  #bufferedCharacters = 0;
  /** What is in the lists. */
  readonly planned: PlannedDeletes = { files: 0, manifests: 0, bytes: 0 };

  /** Nothing that an earlier run has noted is missing. */
  readonly isComplete: boolean;

  private constructor(folder: string | undefined, isComplete: boolean) {
    this.#folder = folder;
    this.isComplete = isComplete;
  }

  /**
   * Takes the lists in a folder.
   *
   * @param folder - undefined: what is added is counted and not kept
   * @param position - what an earlier run has noted up to there stays in them; undefined: nothing does
   */
  static async open(folder: string | undefined, position: SyncPosition | undefined): Promise<ExtraFiles> {
    if (folder === undefined) return new ExtraFiles(folder, position === undefined);
    const marker = join(folder, MARKER);
    const files = new ExtraFiles(folder, position === undefined || existsSync(marker));
    for (const kind of DELETION_ORDER) {
      const path = files.#pathOf(kind);
      if (position && existsSync(path)) await files.#keep(kind, path, position);
      else rmSync(path, { force: true });
    }
    if (position === undefined) writeFileSync(marker, "", { mode: 0o600 });
    return files;
  }

  add(kind: SyncedKind, { path, sizeBytes }: ExtraFile): void {
    this.#count(kind, sizeBytes);
    if (this.#folder === undefined) return;
    const line = lineOf({ path, sizeBytes });
    const buffer = this.#buffers.get(kind);
    if (buffer) buffer.push(line);
    else this.#buffers.set(kind, [line]);
    this.#bufferedCharacters += line.length;
    if (this.#bufferedCharacters >= FLUSH_CHARACTERS) this.flush();
  }

  /** Writes out what is in memory. */
  flush(): void {
    for (const [kind, lines] of this.#buffers)
      appendFileSync(this.#pathOf(kind), lines.join(""), { mode: 0o600 });
    this.#buffers.clear();
    this.#bufferedCharacters = 0;
  }

  /** @param after - files of the same kind up to this path are left out */
  async *of(kind: SyncedKind, after: string): AsyncGenerator<ExtraFile> {
    this.flush();
    for await (const file of this.#read(kind)) if (compareKeys(file.path, after) > 0) yield file;
  }

  async #keep(kind: SyncedKind, path: string, position: SyncPosition): Promise<void> {
    const kept = createWriteStream(`${path}.new`, { mode: 0o600 });
    for await (const file of this.#read(kind)) {
      if (!isBehind(position, file.path)) continue;
      this.#count(kind, file.sizeBytes);
      if (!kept.write(lineOf(file)))
        await new Promise<void>((resolve) => kept.once("drain", () => resolve()));
    }
    await new Promise<void>((resolve, reject) => {
      kept.once("error", reject);
      kept.end(() => resolve());
    });
    renameSync(`${path}.new`, path);
  }

  async *#read(kind: SyncedKind): AsyncGenerator<ExtraFile> {
    const path = this.#pathOf(kind);
    if (!existsSync(path)) return;
    for await (const line of createInterface({ input: createReadStream(path), crlfDelay: Infinity })) {
      const match = LINE.exec(line);
      // The last line may have been cut when its writer died; it is not behind any position.
      if (match) yield { path: JSON.parse(match[2] ?? '""') as string, sizeBytes: Number(match[1]) };
    }
  }

  #count(kind: SyncedKind, sizeBytes: number): void {
    this.planned.files++;
    this.planned.bytes += sizeBytes;
    if (kind === "revision") this.planned.manifests++;
  }

  #pathOf(kind: SyncedKind): string {
    return join(this.#folder ?? "", `extra-${kind}.list`);
  }
}

function lineOf({ path, sizeBytes }: ExtraFile): string {
  return `${sizeBytes} ${JSON.stringify(path).replace(LINE_SEPARATORS, escaped)}\n`;
}

/** Lines end at them too when they are read, and JSON leaves them as they are. */
const LINE_SEPARATORS = /[\u2028\u2029]/g;

function escaped(character: string): string {
  return `\\u${character.charCodeAt(0).toString(16)}`;
}

const LINE = /^(\d+) (".*")$/;

/** @returns whether a file was looked at by the run that has come to a position */
function isBehind({ pass, after }: SyncPosition, path: string): boolean {
  if (pass === "deletions") return true;
  if (path.startsWith(`${BLOBS_ROOT}/`)) return pass !== "blobs" || compareKeys(path, after) <= 0;
  return path.startsWith(`${REPOSITORIES_ROOT}/`) && pass === "repositories" && compareKeys(path, after) <= 0;
}

/** @returns the kinds whose files are still to be removed behind a position, and the path in the first of them */
export function deletionsLeft(after: string): { kinds: readonly SyncedKind[]; after: string } {
  if (after === "") return { kinds: DELETION_ORDER, after };
  const at = DELETION_ORDER.indexOf(syncedFileAt(after)?.kind ?? "tag");
  return { kinds: DELETION_ORDER.slice(at), after };
}
