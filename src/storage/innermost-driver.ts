import type { StorageDriver } from "./driver.ts";

/** What a wrapper tells of the driver that is inside of all wrappers. */
export interface WrapsDriver {
  readonly innermost: StorageDriver;
}

/** @returns the driver inside of all wrappers, which is what knows the store; the driver itself if there are none */
export function innermostDriver(driver: StorageDriver): StorageDriver {
  return wrapsDriver(driver) ? driver.innermost : driver;
}

function wrapsDriver<T extends StorageDriver>(driver: T): driver is T & WrapsDriver {
  return "innermost" in driver && typeof driver.innermost === "object";
}
