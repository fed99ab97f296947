import { setTimeout } from "node:timers/promises";
import { describe, expect, it } from "vitest";
import { InvalidPathError, PathNotFoundError } from "../../../src/errors.ts";
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
} from "../../../src/storage/abilities.ts";
import { FileTooLargeError } from "../../../src/storage/errors.ts";
import { canPutOver } from "../../../src/storage/object-store-abilities.ts";
import { type AbilityName, abilitiesOf } from "./ability-guards.ts";
import {
  bytes,
  patternBytes,
  type StoreUnderTest,
  scannedPaths,
  text,
  walkedPaths,
} from "./store-under-test.ts";

/** The optional abilities: exactly those that the driver is said to have, each with its cases. */
export function describeAbilities(store: StoreUnderTest): void {
  describe("abilities", () => {
    const caseFor = (ability: AbilityName, title: string, body: () => Promise<void>): void => {
      if (store.abilities.includes(ability)) it(title, body);
    };
    const changingCase: typeof caseFor = (ability, title, body) => {
      if (store.changes) caseFor(ability, title, body);
    };

    it("has those that it is said to have, and no others", () => {
      expect(abilitiesOf(store.driver).sort()).toEqual([...store.abilities].sort());
    });

    caseFor("Scannable", "scan gives what walk gives, in the same order", async () => {
      const { driver } = store;
      if (!canScan(driver)) throw lost("Scannable");
      const paths = ["/a-b/f", "/a/x", "/a/y/z", "/a0", "/\u{1f600}"];
      await Promise.all(paths.map((path) => store.seed.put(path, bytes(path))));
      const scanned: string[] = [];
      const unexpected = (failure: unknown) => expect(failure).toBeUndefined();
      for await (const batch of driver.scan("/", unexpected)) scanned.push(...batch.map((file) => file.path));
      expect(scanned).toEqual(paths);
      for await (const batch of driver.scan("/missing", unexpected)) expect(batch).toEqual([]);
    });

    caseFor("Scannable", "scan gives thousands of files in batches, and can be left early", async () => {
      const { driver } = store;
      if (!canScan(driver)) throw lost("Scannable");
      const paths = Array.from(
        { length: 2100 },
        (_, index) => `/d${index % 7}/${String(index).padStart(5, "0")}`,
      );
      for (let first = 0; first < paths.length; first += 100) {
        await Promise.all(paths.slice(first, first + 100).map((path) => store.seed.put(path, bytes(""))));
      }
      const scanned: string[] = [];
      for await (const batch of driver.scan("/", () => undefined)) {
        expect(batch.length).toBeLessThan(paths.length);
        scanned.push(...batch.map((file) => file.path));
      }
      expect(scanned).toEqual([...paths].sort());
      const after = scanned[300] ?? "";
      expect(await scannedPaths(driver, "/", { after })).toEqual(scanned.slice(301));
      for await (const batch of driver.scan("/", () => undefined)) {
        expect(batch.length).toBeGreaterThan(0);
        break;
      }
    });

    caseFor("NameListing", "listNames gives the names that list gives, in the same order", async () => {
      const { driver } = store;
      if (!hasNameListing(driver)) throw lost("NameListing");
      const paths = ["/d/a-b/f", "/d/a.b", "/d/a/x/y", "/d/a0", "/d/\ufffd/f", "/d/\u{1f600}"];
      await Promise.all(paths.map((path) => store.seed.put(path, bytes(path))));
      expect(await driver.listNames("/d")).toEqual([
        { name: "a-b", isFolder: true },
        { name: "a.b", isFolder: false },
        { name: "a", isFolder: true },
        { name: "a0", isFolder: false },
        { name: "\ufffd", isFolder: true },
        { name: "\u{1f600}", isFolder: false },
      ]);
      expect(await driver.listNames("/")).toEqual([{ name: "d", isFolder: true }]);
    });

    caseFor("NameListing", "listNames refuses what list refuses, and hides unfinished files", async () => {
      const { driver } = store;
      if (!hasNameListing(driver)) throw lost("NameListing");
      const writer = await store.seed.openWriter("/d/unfinished");
      await writer.write(bytes("x"));
      await store.seed.put("/d/f", bytes("x"));
      expect(await driver.listNames("/d")).toEqual([{ name: "f", isFolder: false }]);
      await writer.cancel();
      await expect(driver.listNames("/missing")).rejects.toThrow(PathNotFoundError);
      await expect(driver.listNames("/d/f")).rejects.toThrow(PathNotFoundError);
      await expect(driver.listNames("/../d")).rejects.toThrow(InvalidPathError);
    });

    caseFor(
      "SynchronousFolders",
      "scanDownTo gives some folders whole, in the place of their files",
      async () => {
        const { driver } = store;
        if (!hasSynchronousFolders(driver)) throw lost("SynchronousFolders");
        for (const path of ["/a-b", "/a/_x/f/g", "/a/_x-y", "/a/b/_x/f", "/a0"]) {
          await store.seed.put(path, bytes(path));
        }
        const isLeaf = (path: string) => path.includes("/_");
        const scanned: string[] = [];
        const unexpected = (failure: unknown) => expect(failure).toBeUndefined();
        for await (const batch of driver.scanDownTo("/", isLeaf, unexpected)) {
          scanned.push(...batch.map((file) => file.path));
        }
        expect(scanned).toEqual(["/a-b", "/a/_x-y", "/a/_x/", "/a/b/_x/", "/a0"]);
      },
    );

    caseFor("SynchronousFolders", "listNamesSync gives the names that listNames gives", async () => {
      const { driver } = store;
      if (!hasSynchronousFolders(driver)) throw lost("SynchronousFolders");
      const writer = await store.seed.openWriter("/d/unfinished");
      await writer.write(bytes("x"));
      for (const path of ["/d/f", "/d/g/h", "/d/\u{1f600}"]) await store.seed.put(path, bytes("x"));
      expect(driver.listNamesSync("/d")?.sort()).toEqual(["f", "g", "\u{1f600}"]);
      await writer.cancel();
      expect(driver.listNamesSync("/")).toEqual(["d"]);
      expect(driver.listNamesSync("/missing")).toBeUndefined();
      expect(driver.listNamesSync("/d/f")).toBeUndefined();
      expect(() => driver.listNamesSync("/../d")).toThrow(InvalidPathError);
    });

    changingCase(
      "SynchronousFolders",
      "removes a file and the emptied folders, and nothing else",
      async () => {
        const { driver } = store;
        if (!hasSynchronousFolders(driver)) throw lost("SynchronousFolders");
        await driver.put("/a/b/f", bytes("x"));
        expect(driver.removeFolderSync("/a/b")).toBe(false);
        expect(driver.removeFolderSync("/a/b/f")).toBe(false);
        expect(driver.removeFolderSync("/")).toBe(false);
        expect(() => driver.deleteFileSync("/a/b")).toThrow();
        expect(driver.deleteFileSync("/a/b/f")).toBe(true);
        expect(driver.deleteFileSync("/a/b/f")).toBe(false);
        expect(driver.removeFolderSync("/a")).toBe(false);
        expect(driver.removeFolderSync("/a/b")).toBe(true);
        expect(driver.removeFolderSync("/a/b")).toBe(false);
        expect(driver.removeFolderSync("/a")).toBe(true);
        expect(await driver.list("/")).toEqual([]);
      },
    );

    caseFor("SmallReads", "getSync and statFileSync give what get and stat give", async () => {
      const { driver } = store;
      if (!hasSmallReads(driver)) throw lost("SmallReads");
      for (const sizeBytes of [0, 71, 65_535, 65_536, 65_537, 300_000]) {
        await store.seed.put("/d/f", patternBytes(sizeBytes));
        expect(Buffer.compare(driver.getSync("/d/f") ?? bytes("missing"), patternBytes(sizeBytes))).toBe(0);
        const { modifiedMs } = await driver.stat("/d/f");
        expect(driver.statFileSync("/d/f")).toEqual({ sizeBytes, modifiedMs });
      }
      const first = driver.getSync("/d/f");
      await store.seed.put("/d/f", bytes("other"));
      driver.getSync("/d/f");
      expect(Buffer.compare(first ?? bytes("missing"), patternBytes(300_000))).toBe(0);
      for (const path of ["/d", "/missing", "/d/f/below"]) {
        expect(driver.getSync(path)).toBeUndefined();
        expect(driver.statFileSync(path)).toBeUndefined();
      }
      expect(() => driver.getSync("/../f")).toThrow(InvalidPathError);
      for (const sizeBytes of [10, 70_000]) {
        await store.seed.put("/d/f", patternBytes(sizeBytes));
        expect(driver.getSync("/d/f", sizeBytes)).toHaveLength(sizeBytes);
        expect(() => driver.getSync("/d/f", sizeBytes - 1)).toThrow(FileTooLargeError);
      }
      expect(() => driver.statFileSync("/../f")).toThrow(InvalidPathError);
    });

    caseFor("FastReads", "openFile reads into the caller's buffer at any position", async () => {
      const { driver } = store;
      if (!hasFastReads(driver)) throw lost("FastReads");
      await store.seed.put("/f", bytes("0123456789"));
      const file = await driver.openFile("/f");
      try {
        expect(file.sizeBytes).toBe(10);
        const buffer = new Uint8Array(4);
        expect(await file.read(buffer, 3)).toBe(4);
        expect(text(buffer)).toBe("3456");
        expect(await file.read(buffer, 8)).toBe(2);
        expect(text(buffer)).toBe("8956");
        expect(await file.read(buffer, 10)).toBe(0);
      } finally {
        await file.close();
        await file.close();
      }
      await expect(driver.openFile("/missing")).rejects.toThrow(PathNotFoundError);
    });

    changingCase("BulkDelete", "deleteMany removes exactly the given files", async () => {
      const { driver } = store;
      if (!canDeleteMany(driver)) throw lost("BulkDelete");
      const paths = Array.from({ length: 600 }, (_, index) => `/many/${index}`);
      await Promise.all(
        [...paths, "/many-kept", "/folder/kept"].map((path) => store.seed.put(path, bytes("x"))),
      );
      expect(await driver.deleteMany([...paths, "/missing/f", "/many-kept/below"])).toEqual([]);
      expect(await driver.deleteMany([])).toEqual([]);
      const failed = await driver.deleteMany(["/folder"]);
      // On an object store there is no folder, so nothing is there to fail.
      if (store.folders) expect(failed).toMatchObject([{ path: "/folder", error: expect.any(Error) }]);
      expect(await walkedPaths(driver.walk("/"))).toEqual(["/folder/kept", "/many-kept"]);
    });

    changingCase("EmptyFolders", "removeFolder removes only an empty folder", async () => {
      const { driver } = store;
      if (!hasEmptyFolders(driver)) throw lost("EmptyFolders");
      await driver.put("/a/b/f", bytes("x"));
      expect(await driver.removeFolder("/a/b")).toBe(false);
      expect(await driver.removeFolder("/a/b/f")).toBe(false);
      expect(await driver.removeFolder("/missing")).toBe(false);
      expect(await driver.removeFolder("/")).toBe(false);
      await driver.delete("/a/b/f");
      expect(await driver.removeFolder("/a")).toBe(false);
      expect(await driver.removeFolder("/a/b")).toBe(true);
      expect(await driver.removeFolder("/a")).toBe(true);
      expect(await driver.list("/")).toEqual([]);
    });

    changingCase(
      "DurableRemovals",
      "settleRemovals takes folders that are there and folders that are gone",
      async () => {
        const { driver } = store;
        if (!canSettleRemovals(driver)) throw lost("DurableRemovals");
        await driver.put("/a/b/f", bytes("x"));
        await driver.delete("/a/b/f");
        if (hasEmptyFolders(driver)) await driver.removeFolder("/a/b");
        await driver.settleRemovals(["/a/b", "/a", "/", "/never/was"]);
        await expect(driver.settleRemovals(["a"])).rejects.toThrow(InvalidPathError);
      },
    );

    changingCase("EmptyFolders", "writers survive folders that are removed beside them", async () => {
      const { driver } = store;
      if (!hasEmptyFolders(driver)) throw lost("EmptyFolders");
      let writing = true;
      const removing = (async () => {
        while (writing) {
          await driver.removeFolder("/race/a");
          await driver.removeFolder("/race");
          await setTimeout(1);
        }
      })();
      try {
        for (let round = 0; round < 50; round++) {
          await driver.put("/race/a/f", bytes(String(round)));
          await driver.move("/race/a/f", "/race/a/g");
          await driver.delete("/race/a/g");
        }
      } finally {
        writing = false;
        await removing;
      }
    });

    changingCase("ExclusiveCreate", "putIfAbsent lets exactly one of many win", async () => {
      const { driver } = store;
      if (!canCreateExclusively(driver)) throw lost("ExclusiveCreate");
      const tries = Array.from({ length: 20 }, (_, index) => String(index));
      const won = await Promise.all(tries.map((who) => driver.putIfAbsent("/locks/gc", bytes(who))));
      expect(won.filter(Boolean).length).toBe(1);
      expect(text(await driver.get("/locks/gc"))).toBe(String(won.indexOf(true)));
      expect(await driver.putIfAbsent("/locks/gc", bytes("late"))).toBe(false);
      await driver.delete("/locks/gc");
      expect(await driver.putIfAbsent("/locks/gc", bytes("next"))).toBe(true);
    });

    changingCase("WritesOver", "putOver writes what was not there, and replaces what was", async () => {
      const { driver } = store;
      if (!canPutOver(driver)) throw lost("WritesOver");
      for (const content of ["first", "2", "", "third", "third"]) {
        await driver.putOver("/tags/a", bytes(content));
        expect(text(await driver.get("/tags/a"))).toBe(content);
      }
      expect((await driver.list("/tags")).map(({ path }) => path)).toEqual(["/tags/a"]);
    });

    changingCase(
      "WritesOver",
      "putOver of many at a time fails for none, and one of them is the last",
      async () => {
        const { driver } = store;
        if (!canPutOver(driver)) throw lost("WritesOver");
        const contents = Array.from({ length: 20 }, (_, index) => String(index));
        await Promise.all(contents.map((content) => driver.putOver("/tags/a", bytes(content))));
        expect(contents).toContain(text(await driver.get("/tags/a")));
      },
    );

    changingCase("StoreClock", "the store's clock goes with modification times", async () => {
      const { driver } = store;
      if (!hasStoreClock(driver)) throw lost("StoreClock");
      const before = await driver.now();
      await driver.put("/f", bytes("x"));
      const { modifiedMs } = await driver.stat("/f");
      expect(modifiedMs).toBeGreaterThanOrEqual(before);
      expect(await driver.now()).toBeGreaterThanOrEqual(modifiedMs);
    });
  });
}

function lost(ability: AbilityName): Error {
  return new Error(`the driver lost ${ability} in the middle of a test`);
}
