import type { Digest } from "../../oci/digest.ts";

/** One thing that is wrong, as a repair needs to know it: whole, where findings are for people and bounded. */
export type Damage =
  /** A link that does not say what it should. */
  | { kind: "link"; repository: string; path: string; text: string }
  /** A manifest, or what is stored for it, cannot be read; what it refers to is not known. */
  | { kind: "manifest"; repository: string; digest: Digest; isStored: boolean }
  /** Nothing is stored for a blob that a manifest needs. */
  | { kind: "missing-blob"; repository: string; digest: Digest; sizeBytes: number | undefined }
  /** The bytes of a blob that a manifest needs are not, or may not be, what they should. */
  | { kind: "blob"; repository: string; digest: Digest; sizeBytes: number | undefined }
  /** The repository lacks a link to a blob that one of its manifests needs. */
  | {
      kind: "missing-layer-link";
      repository: string;
      digest: Digest;
      sizeBytes: number | undefined;
      isStored: boolean;
    }
  /** The repository lacks a link to a manifest that a tag of it points to, or that an index of it lists. */
  | { kind: "missing-revision-link"; repository: string; digest: Digest; isStored: boolean }
  /** A link that leads to nothing, and that no manifest of the repository needs. */
  | { kind: "dangling-layer-link"; repository: string; digest: Digest; path: string }
  | { kind: "dangling-history-link"; repository: string; tag: string; digest: Digest; path: string };

/** Is told of each; of the same thing once for each place where it shows. */
export type OnDamage = (damage: Damage) => void;
