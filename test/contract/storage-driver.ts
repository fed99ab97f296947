import { afterEach, beforeEach, describe, expect, it } from "vitest";
import { describeAbilities } from "./cases/abilities.ts";
import type { AbilityName } from "./cases/ability-guards.ts";
import { describeCopyingAbilities } from "./cases/copying-abilities.ts";
import { describeListing } from "./cases/listing.ts";
import { describeObjectStoreAbilities } from "./cases/object-store-abilities.ts";
import { describePaths } from "./cases/paths.ts";
import { describeReading } from "./cases/reading.ts";
import type { OpenStore, StoreUnderTest } from "./cases/store-under-test.ts";
import { describeWriters } from "./cases/writers.ts";
import { describeWriting } from "./cases/writing.ts";

/** How a driver is put through the suite. */
export interface StorageDriverCase {
  /** A new, empty store. */
  open: () => Promise<OpenStore>;
  /** How many bytes the large files have; more than the driver's largest part, if it has parts. */
  largeBytes: number;
  /** The optional abilities that the driver has, all of them. */
  abilities: readonly AbilityName[];
  /** What the driver, or this way of wrapping it, does not do. */
  supports?: {
    /** false: every change is refused, and the files of the cases are made by `seed`. Default true. */
    changes?: boolean;
    /** false: keys are free, a file and a folder may have the same path. Default true. */
    folders?: boolean;
  };
}

/**
 * The contract of storage drivers as tests. Every driver and every wrapper goes through it; a new driver adds no tests
 * of its own for what is said here. Each test clears away what it made, and the suite then asserts that nothing is left,
 * temporary files included.
 */
export function describeStorageDriver(name: string, options: StorageDriverCase): void {
  const { changes = true, folders = true } = options.supports ?? {};
  describe(`storage contract: ${name}`, () => {
    let store: OpenStore | undefined;
    const under: StoreUnderTest = {
      get driver() {
        return opened(store).driver;
      },
      get seed() {
        return opened(store).seed ?? opened(store).driver;
      },
      largeBytes: options.largeBytes,
      changes,
      folders,
      abilities: options.abilities,
    };

    beforeEach(async () => {
      store = await options.open();
    });

    afterEach(async () => {
      const { leftovers, close } = opened(store);
      try {
        for await (const file of under.seed.walk("/")) await under.seed.delete(file.path);
        expect(await leftovers()).toEqual([]);
      } finally {
        await close();
      }
    });

    it("tells its name and where it stores", () => {
      expect(under.driver.name).toMatch(/^[a-z0-9]+$/);
      expect(under.driver.location).not.toBe("");
    });
    describePaths(under);
    describeReading(under);
    describeListing(under);
    describeAbilities(under);
    describeCopyingAbilities(under);
    describeObjectStoreAbilities(under);
    if (changes) {
      describeWriting(under);
      describeWriters(under);
    }
  });
}

function opened(store: OpenStore | undefined): OpenStore {
  if (store === undefined) throw new Error("the store is only open inside a test");
  return store;
}
