/** How one file was copied. */
export type CopyOutcome =
  | {
      kind: "copied";
      sizeBytes: number;
      /** The store service has copied it by itself. */
      serverSide: boolean;
    }
  /** The source does not have it any more. Nothing was written. */
  | { kind: "vanished" }
  /** Its bytes are not what its path says, time after time. Nothing was written. */
  | { kind: "damaged"; why: string };

/** What copies of files share. */
export interface CopyContext {
  signal: AbortSignal;
  /** Waits until so many more bytes may be moved through this process. */
  spend?: ((bytes: number) => Promise<void>) | undefined;
  /** All bytes come by here and are hashed, also where a store could copy from the other by itself. */
  hashesAll?: boolean;
}

/** What is larger is copied by the store itself, where it can. For less, two plain requests cost less than its two. */
export const MAX_PASSED_BYTES = 64 * 1024;

/** Files up to this size are read whole and written with one call, larger ones are streamed. */
export const MAX_WHOLE_BYTES = 1024 * 1024;
