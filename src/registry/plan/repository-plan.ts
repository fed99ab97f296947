import type { DigestId } from "../graph/digest-table.ts";
import type { LastTagged } from "./untagged-since.ts";

/** A manifest that goes. */
export interface DeadManifest {
  id: DigestId;
  /** Its bytes are not in the store: only the link goes. */
  isAbsent: boolean;
  lastTagged: LastTagged | undefined;
  /** 0 if no other manifest that goes refers to it, else one more than the highest of those. */
  level: number;
}

/** Tag-history links of one tag that go. */
export interface DeadHistory {
  tag: string;
  ids: readonly DigestId[];
}

/** What goes of one repository, in the order of the sweep; blobs are planned for the whole store. */
export interface RepositoryPlan {
  repository: string;
  history: readonly DeadHistory[];
  manifests: readonly DeadManifest[];
  layerLinks: readonly DigestId[];
  /** No manifest and no tag remains: its empty folders go too, so that it leaves the catalog. */
  isEmptied: boolean;
}
