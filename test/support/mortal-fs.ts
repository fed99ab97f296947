import { type FsOperations, nodeFs } from "../../src/storage/filesystem/fs-operations.ts";

/** A file system on which a process dies, as by kill -9: from then on nothing changes any more. */
export interface MortalFs {
  fs: FsOperations;
  /** How many removals there are until then. */
  removalsLeft: number;
  isDead(): boolean;
}

/** Puts the death of the process between a driver and the real file system. */
export function mortalFs(): MortalFs {
  const state = { removalsLeft: Number.POSITIVE_INFINITY };
  const live = (): void => {
    if (state.removalsLeft <= 0) throw new Error("killed");
  };
  const remove = (): void => {
    live();
    state.removalsLeft--;
  };
  const { open, mkdir, rename, link, unlink, unlinkSync, rmdir, rmdirSync } = nodeFs;
  const fs: FsOperations = {
    ...nodeFs,
    open: async (path, mode) => {
      if (mode !== "read") live();
      return open(path, mode);
    },
    mkdir: async (path) => {
      live();
      await mkdir(path);
    },
    rename: async (from, to) => {
      live();
      await rename(from, to);
    },
    link: async (existing, path) => {
      live();
      await link(existing, path);
    },
    unlink: async (path) => {
      // The lock's and the clock's files do not count.
      live();
      await unlink(path);
    },
    unlinkSync: (path) => {
      remove();
      unlinkSync(path);
    },
    rmdir: async (path) => {
      remove();
      await rmdir(path);
    },
    rmdirSync: (path) => {
      remove();
      rmdirSync(path);
    },
  };
  return Object.assign(state, { fs, isDead: () => state.removalsLeft <= 0 });
}
