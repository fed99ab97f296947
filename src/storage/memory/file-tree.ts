import { childPath, sortKey, sortKeys } from "../key-order.ts";

/** One file in memory; its bytes are never changed in place. */
export interface MemoryFile {
  bytes: Uint8Array;
  modifiedMs: number;
}

interface Folder {
  children: Map<string, Folder | MemoryFile>;
}

/** Files by path in nested maps. A folder is there as long as something is in it. */
export class FileTree {
  readonly #root: Folder = { children: new Map() };

  /** @returns the file, "folder", or undefined if nothing is there; `/` is always a folder */
  find(path: string): MemoryFile | "folder" | undefined {
    const node = this.#node(path);
    return node === undefined || !isFolder(node) ? node : "folder";
  }

  /** @returns undefined if it is done, else the path of what is in the way: a folder there or a file above */
  set(path: string, file: MemoryFile): string | undefined {
    const names = path.split("/").slice(1);
    const last = names.pop() ?? "";
    let folder = this.#root;
    let at = "";
    for (const name of names) {
      at += `/${name}`;
      let next = folder.children.get(name);
      if (next === undefined) {
        next = { children: new Map() };
        folder.children.set(name, next);
      }
      if (!isFolder(next)) return at;
      folder = next;
    }
    const present = folder.children.get(last);
    if (present !== undefined && isFolder(present)) return path;
    folder.children.set(last, file);
    return undefined;
  }

  /** Removes a file and the folders that it leaves empty. @returns false if there is no file */
  remove(path: string): boolean {
    const node = this.#node(path);
    if (node === undefined || isFolder(node)) return false;
    const names = path.split("/").slice(1);
    while (names.length > 0) {
      const name = names.pop() ?? "";
      const parent = this.#node(`/${names.join("/")}`);
      if (parent === undefined || !isFolder(parent)) break;
      parent.children.delete(name);
      if (parent.children.size > 0) break;
    }
    return true;
  }

  /** @returns the children in key order, or undefined if there is no such folder */
  children(path: string): { path: string; file: MemoryFile | undefined }[] | undefined {
    const folder = this.#node(path);
    if (folder === undefined || !isFolder(folder)) return undefined;
    const keys = [...folder.children].map(([name, node]) => sortKey(name, isFolder(node)));
    return sortKeys(keys).map((key) => {
      const name = key.endsWith("/") ? key.slice(0, -1) : key;
      const node = folder.children.get(name);
      return { path: childPath(path, name), file: node && !isFolder(node) ? node : undefined };
    });
  }

  #node(path: string): Folder | MemoryFile | undefined {
    let node: Folder | MemoryFile | undefined = this.#root;
    if (path === "/") return node;
    for (const name of path.split("/").slice(1)) {
      if (node === undefined || !isFolder(node)) return undefined;
      node = node.children.get(name);
    }
    return node;
  }
}

function isFolder(node: Folder | MemoryFile): node is Folder {
  return "children" in node;
}
