import { describe, expect, it } from "vitest";
import { UnsettledFolders } from "../../../../src/registry/apply/unsettled-folders.ts";
import { MemoryDriver } from "../../../../src/storage/memory/memory-driver.ts";

/** A store that settles folders when the test says so, and tells which. */
class SettlingDriver extends MemoryDriver {
  readonly asked: string[][] = [];
  meanwhile: () => void | Promise<void> = () => undefined;

  async settleRemovals(folders: Iterable<string>): Promise<void> {
    this.asked.push([...folders]);
    await this.meanwhile();
  }
}

describe("folders to settle", () => {
  it("are settled once, and again if something is removed from one of them meanwhile", async () => {
    const driver = new SettlingDriver();
    const folders = new UnsettledFolders(driver);
    for (const folder of ["/a", "/b"]) folders.add(folder);
    driver.meanwhile = () => folders.add("/a");
    await folders.settle();
    driver.meanwhile = () => undefined;
    await folders.settle();
    await folders.settle();
    expect(driver.asked).toEqual([["/a", "/b"], ["/a"], []]);
  });

  it("are left to the next time when that fails", async () => {
    const driver = new SettlingDriver();
    const folders = new UnsettledFolders(driver);
    folders.add("/a");
    driver.meanwhile = () => Promise.reject(new Error("EIO"));
    await expect(folders.settle()).rejects.toThrow("EIO");
    driver.meanwhile = () => undefined;
    await folders.settle();
    expect(driver.asked).toEqual([["/a"], ["/a"]]);
  });

  it("are settled in between only when they are many", async () => {
    const driver = new SettlingDriver();
    const folders = new UnsettledFolders(driver);
    for (let number = 0; number < 9999; number++) folders.add(`/${number}`);
    await folders.settleMany();
    expect(driver.asked).toEqual([]);
    folders.add("/one more");
    await folders.settleMany();
    expect(driver.asked).toHaveLength(1);
  });

  it("are none on a store where nothing comes back", async () => {
    const folders = new UnsettledFolders(new MemoryDriver());
    folders.add("/a");
    await expect(folders.settle()).resolves.toBeUndefined();
  });
});
