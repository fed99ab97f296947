import type { S3StorageSettings } from "../../src/config/settings.ts";
import { DigestTable } from "../../src/registry/graph/digest-table.ts";
import { scanBlobs } from "../../src/registry/scan/scan-blobs.ts";
import { scanRepositories } from "../../src/registry/scan/scan-repositories.ts";
import { openDriver } from "../../src/storage/open-driver.ts";

/** What listing a whole store took. */
export interface Listing {
  seconds: number;
  repositories: number;
  blobs: number;
}

/**
 * Lists everything in a store and sorts it into repositories and blobs, as every command does that looks at it all.
 * Nothing is read.
 *
 * @throws {Error} if a part of it cannot be listed
 */
export async function measureListing(settings: S3StorageSettings): Promise<Listing> {
  const driver = await openDriver(settings, { readOnly: true });
  const onFailure = ({ path, error }: { path: string; error: unknown }) => {
    throw new Error(`${path} cannot be listed`, { cause: error });
  };
  const table = new DigestTable();
  const listing: Listing = { seconds: 0, repositories: 0, blobs: 0 };
  const began = performance.now();
  for await (const _ of scanRepositories(driver, { table, onFailure, onStray: () => undefined }))
    listing.repositories++;
  for await (const batch of scanBlobs(driver, { table, onFailure, onStray: () => undefined }))
    listing.blobs += batch.length;
  listing.seconds = (performance.now() - began) / 1000;
  return listing;
}
