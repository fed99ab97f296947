/** Files and their bytes. */
export interface SyncAmounts {
  files: number;
  bytes: number;
}

/** What one of the two stores holds, without unfinished uploads. */
export interface StoreAmounts extends SyncAmounts {
  /** Revision links. */
  manifests: number;
  tags: number;
  /** When the youngest tag link was written, by the store's clock; 0 without tags. */
  newestTagMs: number;
}

/** A blob of the source whose bytes are not what its path says. It is not copied. */
export interface DamagedBlob {
  path: string;
  digest: string;
  why: string;
}

/** A file that could not be copied, or a folder that could not be listed. */
export interface FailedFile {
  path: string;
  error: string;
}

/** What {@link syncStores} has done. Amounts of the stores are those behind the position that it went on from. */
export interface SyncResult {
  source: StoreAmounts;
  /** As it was found. */
  target: StoreAmounts;
  copied: SyncAmounts;
  /** Among the copied: what the store service copied by itself. */
  serverSide: SyncAmounts;
  deleted: SyncAmounts;
  /** What both had already. */
  same: SyncAmounts;
  /** What was younger than the run and is left to the next. */
  left: SyncAmounts;
  /** Links that were not copied since what they name, or what a manifest of their repository may name, could not be. */
  withheld: SyncAmounts;
  /** Files of the source that were gone when their turn came. */
  vanished: number;
  /** The first thousand. */
  damaged: DamagedBlob[];
  damagedCount: number;
  /** The first thousand. */
  failed: FailedFile[];
  failedCount: number;
  /** Why files that only the target has were not removed although it was asked for; undefined if they were. */
  deletesHeldBack: string | undefined;
  seconds: number;
}
