import {
  canCheckReachable,
  canCreateExclusively,
  canDeleteMany,
  canPresign,
  canScan,
  canSettleRemovals,
  countsRequests,
  hasEmptyFolders,
  hasFastReads,
  hasFileLookup,
  hasNameListing,
  hasSmallReads,
  hasStoreClock,
  hasSynchronousFolders,
  hasTemporaryFiles,
  hasUnfinishedWrites,
  hasVersionedFiles,
  movesByCopying,
} from "../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";

/** How to see whether a driver has an ability, by the ability's name. */
export const ABILITY_GUARDS = {
  Scannable: canScan,
  SynchronousFolders: hasSynchronousFolders,
  NameListing: hasNameListing,
  SmallReads: hasSmallReads,
  FastReads: hasFastReads,
  BulkDelete: canDeleteMany,
  EmptyFolders: hasEmptyFolders,
  DurableRemovals: canSettleRemovals,
  ExclusiveCreate: canCreateExclusively,
  StoreClock: hasStoreClock,
  TemporaryFiles: hasTemporaryFiles,
  FileLookup: hasFileLookup,
  PresignedReads: canPresign,
  UnfinishedWrites: hasUnfinishedWrites,
  CopyingMoves: movesByCopying,
  RequestCounts: countsRequests,
  VersionedFiles: hasVersionedFiles,
  ReachabilityCheck: canCheckReachable,
} satisfies Record<string, (driver: StorageDriver) => boolean>;

/** The name of an optional ability. */
export type AbilityName = keyof typeof ABILITY_GUARDS;

/** @returns the abilities that a driver has */
export function abilitiesOf(driver: StorageDriver): AbilityName[] {
  return (Object.keys(ABILITY_GUARDS) as AbilityName[]).filter((name) => ABILITY_GUARDS[name](driver));
}
