import { expect, it } from "vitest";
import { InvalidPathError, PathNotFoundError } from "../../../src/errors.ts";
import { hasFileLookup } from "../../../src/storage/abilities.ts";
import {
  canCheckReachable,
  canPresign,
  countsBusyAnswers,
  countsRequests,
  hasUnfinishedWrites,
  hasVersionedFiles,
  movesByCopying,
  type UnfinishedFile,
  type UnfinishedWrites,
} from "../../../src/storage/object-store-abilities.ts";
import type { AbilityName } from "./ability-guards.ts";
import { bytes, patternBytes, type StoreUnderTest, walkedPaths } from "./store-under-test.ts";

/** The optional abilities that only stores of objects have. */
export function describeObjectStoreAbilities(store: StoreUnderTest): void {
  const caseFor = (ability: AbilityName, title: string, body: () => Promise<void>): void => {
    if (store.abilities.includes(ability)) it(title, body);
  };
  const changingCase: typeof caseFor = (ability, title, body) => {
    if (store.changes) caseFor(ability, title, body);
  };
  const leave = async (path: string, content: Uint8Array): Promise<void> => {
    const writer = await store.seed.openWriter(path, { append: true });
    await writer.write(content);
    await writer.close();
  };

  caseFor("FileLookup", "statFile gives what stat gives, for files alone", async () => {
    const { driver } = store;
    if (!hasFileLookup(driver)) throw lost("FileLookup");
    await store.seed.put("/d/f", bytes("12345"));
    expect(await driver.statFile("/d/f")).toEqual(await driver.stat("/d/f"));
    expect(await driver.statFile("/d")).toBeUndefined();
    expect(await driver.statFile("/missing")).toBeUndefined();
    await expect(driver.statFile("/../d")).rejects.toThrow(InvalidPathError);
  });

  caseFor("PresignedReads", "presignRead gives an address that anybody can read at", async () => {
    const { driver } = store;
    if (!canPresign(driver)) throw lost("PresignedReads");
    for (const path of ["/d/f", "/with space/and:colon+plus", "/ünï/日本/😀", "/%2e%2e/x"]) {
      await store.seed.put(path, bytes(path));
      const answer = await fetch(await driver.presignRead(path, 60_000));
      expect(answer.status).toBe(200);
      expect(await answer.text()).toBe(path);
    }
    const part = await fetch(await driver.presignRead("/d/f", 60_000), { headers: { range: "bytes=1-2" } });
    expect(part.status).toBe(206);
    expect(await part.text()).toBe("d/");
    expect((await fetch(await driver.presignRead("/missing", 60_000))).status).toBe(404);
  });

  caseFor("UnfinishedWrites", "an unfinished file is known as such, and is no file", async () => {
    const { driver } = store;
    if (!hasUnfinishedWrites(driver)) throw lost("UnfinishedWrites");
    const before = Date.now();
    const sizes = { "/a/small/data": 1000, "/a/large/data": store.largeBytes };
    for (const [path, sizeBytes] of Object.entries(sizes)) {
      await leave(path, patternBytes(sizeBytes));
      expect(await driver.unfinishedBytes(path)).toBe(sizeBytes);
      await expect(driver.stat(path)).rejects.toThrow(PathNotFoundError);
      await expect(driver.get(path)).rejects.toThrow(PathNotFoundError);
    }
    const amount = await driver.unfinishedAmount("/a/large/data");
    expect(amount?.sizeBytes).toBeGreaterThan(0);
    expect(amount?.sizeBytes).toBeLessThanOrEqual(store.largeBytes);
    expect(Math.abs((amount?.writtenMs ?? 0) - before)).toBeLessThan(10 * 60_000);
    expect(await unfinishedPaths(driver, "/")).toContain("/a/large/data");
    expect(await unfinishedPaths(driver, "/a/large")).toEqual(["/a/large/data"]);
    expect(await unfinishedPaths(driver, "/b")).toEqual([]);
    expect(await driver.unfinishedBytes("/missing/data")).toBeUndefined();
    expect(await driver.unfinishedAmount("/missing/data")).toBeUndefined();
    if (!hasUnfinishedWrites(store.seed)) throw lost("UnfinishedWrites");
    for (const path of Object.keys(sizes)) await store.seed.abandonUnfinished(path);
  });

  changingCase("UnfinishedWrites", "abandonUnfinished removes all of it", async () => {
    const { driver } = store;
    if (!hasUnfinishedWrites(driver)) throw lost("UnfinishedWrites");
    for (const sizeBytes of [1000, store.largeBytes]) {
      await leave("/u/data", patternBytes(sizeBytes));
      await driver.abandonUnfinished("/u/data");
      expect(await driver.unfinishedBytes("/u/data")).toBeUndefined();
      expect(await unfinishedPaths(driver, "/")).toEqual([]);
      expect(await walkedPaths(driver.walk("/"))).toEqual([]);
      await driver.abandonUnfinished("/u/data");
    }
    await expect(driver.abandonUnfinished("/../u")).rejects.toThrow(InvalidPathError);
  });

  changingCase("UnfinishedWrites", "abandonUnfinished leaves alone what was begun later", async () => {
    const { driver } = store;
    if (!hasUnfinishedWrites(driver)) throw lost("UnfinishedWrites");
    await leave("/u/data", patternBytes(store.largeBytes));
    await driver.abandonUnfinished("/u/data", Date.now() - 60 * 60_000);
    expect(await driver.unfinishedBytes("/u/data")).toBe(store.largeBytes);
    await driver.abandonUnfinished("/u/data", Date.now() + 60 * 60_000);
    expect(await driver.unfinishedBytes("/u/data")).toBeUndefined();
  });

  changingCase("UnfinishedWrites", "what is committed is unfinished no more", async () => {
    const { driver } = store;
    if (!hasUnfinishedWrites(driver)) throw lost("UnfinishedWrites");
    await leave("/u/data", patternBytes(store.largeBytes));
    const writer = await driver.openWriter("/u/data", { append: true });
    await writer.write(bytes("the end"));
    await writer.commit();
    expect((await driver.stat("/u/data")).sizeBytes).toBe(store.largeBytes + 7);
    expect(await unfinishedPaths(driver, "/")).toEqual([]);
  });

  caseFor("CopyingMoves", "says that it moves by copying", async () => {
    expect(movesByCopying(store.driver)).toBe(true);
  });

  caseFor("RequestCounts", "counts what it asks of the store", async () => {
    const { driver } = store;
    if (!countsRequests(driver)) throw lost("RequestCounts");
    const total = () => Object.values(driver.requests).reduce((sum, count) => sum + count, 0);
    await store.seed.put("/f", bytes("x"));
    const before = total();
    await driver.get("/f");
    expect(total()).toBe(before + 1);
  });

  caseFor("BusyAnswers", "was not told to come later", async () => {
    const { driver } = store;
    if (!countsBusyAnswers(driver)) throw lost("BusyAnswers");
    await store.seed.put("/f", bytes("x"));
    await driver.get("/f");
    expect(driver.busyAnswers.count).toBe(0);
  });

  caseFor("VersionedFiles", "tells that a plain store keeps nothing of removed files", async () => {
    const { driver } = store;
    if (!hasVersionedFiles(driver)) throw lost("VersionedFiles");
    await store.seed.put("/f", bytes("x"));
    await store.seed.put("/f", bytes("y"));
    const nothing = {
      versioning: "off",
      expire: false,
      noncurrent: { files: 0, bytes: 0, isComplete: true },
    };
    expect(await driver.keptVersions(1000)).toEqual(nothing);
  });

  caseFor("ReachabilityCheck", "finds a working store reachable, and leaves nothing in it", async () => {
    const { driver } = store;
    if (!canCheckReachable(driver)) throw lost("ReachabilityCheck");
    await driver.checkReachable(true);
    await driver.checkReachable(!store.changes);
  });
}

async function unfinishedPaths(driver: UnfinishedWrites, folder: string): Promise<string[]> {
  const found: UnfinishedFile[] = [];
  for await (const file of driver.listUnfinished(folder)) found.push(file);
  for (const { startedMs } of found) expect(Math.abs(startedMs - Date.now())).toBeLessThan(10 * 60_000);
  return found.map((file) => file.path);
}

function lost(ability: AbilityName): Error {
  return new Error(`the driver lost ${ability} in the middle of a test`);
}
