import {
  canCopyFrom,
  canCreateExclusively,
  canDeleteMany,
  canScan,
  canSetTimes,
  canSettleRemovals,
  hasEmptyFolders,
  hasFastReads,
  hasFileLookup,
  hasNameListing,
  hasSmallReads,
  hasStoreClock,
  hasSynchronousFolders,
  hasTemporaryFiles,
  tellsSpaceLeft,
} from "../../../src/storage/abilities.ts";
import type { StorageDriver } from "../../../src/storage/driver.ts";
import {
  canCheckReachable,
  canPresign,
  canPutOver,
  countsBusyAnswers,
  countsRequests,
  hasUnfinishedWrites,
  hasVersionedFiles,
  movesByCopying,
  tellsUndecided,
} from "../../../src/storage/object-store-abilities.ts";

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
  SettableTimes: canSetTimes,
  CopiesFrom: canCopyFrom,
  SpaceLeft: tellsSpaceLeft,
  PresignedReads: canPresign,
  UnfinishedWrites: hasUnfinishedWrites,
  CopyingMoves: movesByCopying,
  RequestCounts: countsRequests,
  BusyAnswers: countsBusyAnswers,
  VersionedFiles: hasVersionedFiles,
  ReachabilityCheck: canCheckReachable,
  UndecidedChanges: tellsUndecided,
  WritesOver: canPutOver,
} satisfies Record<string, (driver: StorageDriver) => boolean>;

/** The name of an optional ability. */
export type AbilityName = keyof typeof ABILITY_GUARDS;

/** @returns the abilities that a driver has */
export function abilitiesOf(driver: StorageDriver): AbilityName[] {
  return (Object.keys(ABILITY_GUARDS) as AbilityName[]).filter((name) => ABILITY_GUARDS[name](driver));
}
