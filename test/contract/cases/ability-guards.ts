import {
  canCreateExclusively,
  canDeleteMany,
  canScan,
  canSettleRemovals,
  hasEmptyFolders,
  hasFastReads,
  hasNameListing,
  hasSmallReads,
  hasStoreClock,
  hasSynchronousFolders,
  hasTemporaryFiles,
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
} satisfies Record<string, (driver: StorageDriver) => boolean>;

/** The name of an optional ability. */
export type AbilityName = keyof typeof ABILITY_GUARDS;

/** @returns the abilities that a driver has */
export function abilitiesOf(driver: StorageDriver): AbilityName[] {
  return (Object.keys(ABILITY_GUARDS) as AbilityName[]).filter((name) => ABILITY_GUARDS[name](driver));
}
