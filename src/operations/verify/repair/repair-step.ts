import type { Digest } from "../../../oci/digest.ts";

/** What a repair does to one file. Every step leaves a sound store, whichever were done before it. */
export type RepairStep =
  /** Fetches the bytes of a blob or manifest that is missing or damaged; they are checked before they get their place. */
  | {
      kind: "fetch-blob";
      path: string;
      digest: Digest;
      /** As manifests and the other store say; undefined where neither does. */
      sizeBytes: number | undefined;
      isManifest: boolean;
      /** Some of those that need it, in which another registry may have it. */
      repositories: readonly string[];
      /** What is there, as it was planned; undefined: nothing. */
      wasBytes: number | undefined;
      reason: string;
    }
  /** Writes a link that is damaged, and whose path or text says what it should be. */
  | { kind: "rewrite-link"; path: string; digest: Digest; was: string; reason: string }
  /** Writes a link that is missing, to what is stored or has been fetched before. */
  | {
      kind: "restore-link";
      path: string;
      digest: Digest;
      /** It is the link of a manifest, and must lead to one. */
      isRevision: boolean;
      reason: string;
    }
  /** Removes a link that leads to nothing and that nothing needs. */
  | { kind: "remove-link"; path: string; digest: Digest; leadsTo: string; reason: string };

/** The sort of a {@link RepairStep}. */
export type RepairKind = RepairStep["kind"];

/** In the order in which they are done: what is referred to, then what refers to it, removals last. */
export const REPAIR_KINDS: readonly RepairKind[] = [
  "fetch-blob",
  "rewrite-link",
  "restore-link",
  "remove-link",
];

/** Something that is not repaired. */
export interface LeftDamage {
  path?: string;
  digest?: Digest;
  repository?: string;
  /** One sentence for people: what is wrong, and why it stays so. */
  message: string;
  /** What would help. */
  hint?: string;
}

/** A tag whose link does not say what it points to. It is never guessed. */
export interface UnreadableTag {
  repository: string;
  tag: string;
  path: string;
  /** What the link holds. */
  text: string;
  /** What it has pointed to as its history says, the latest first. */
  history: { digest: Digest; at: string; isStored: boolean }[];
  /** What audits of servers say of it, the latest first. */
  audit: { time: string; action: string; before?: string; after?: string; actor?: string }[];
}

/** What one look at the store has come to. */
export interface RepairPlan {
  steps: RepairStep[];
  left: LeftDamage[];
  tags: UnreadableTag[];
  /** There is more to be done than one plan holds. */
  isIncomplete: boolean;
}
