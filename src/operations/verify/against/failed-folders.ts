import { parentOf } from "../../../registry/paths.ts";

/** Folders of either store that could not be listed, so that nothing is known of what is in them. */
export class FailedFolders {
  readonly #folders = { source: new Set<string>(), target: new Set<string>() };

  add(side: "source" | "target", path: string): void {
    this.#folders[side].add(path);
  }

  /** Tells whether a file lies in one of them, at any depth. */
  has(side: "source" | "target", path: string): boolean {
    const folders = this.#folders[side];
    if (folders.size === 0) return false;
    for (let at = path; at !== ""; at = parentOf(at)) if (folders.has(at)) return true;
    return folders.has("/");
  }
}
