/** How much of each kind goes, or went. */
export interface Amounts {
  blobs: number;
  bytes: number;
  manifests: number;
  layerLinks: number;
  tagHistoryLinks: number;
}

/** @returns nothing of anything */
export function noAmounts(): Amounts {
  return { blobs: 0, bytes: 0, manifests: 0, layerLinks: 0, tagHistoryLinks: 0 };
}
