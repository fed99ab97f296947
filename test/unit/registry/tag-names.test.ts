import { expect, it } from "vitest";
import { digestOf } from "../../../src/oci/digest.ts";
import { tagCurrentLinkPath, tagHistoryLinkPath } from "../../../src/registry/paths.ts";
import { Registry } from "../../../src/registry/registry.ts";
import { RemoteStore } from "../../support/remote-store.ts";

const DIGEST = digestOf(Buffer.from("manifest"));

async function storeWith(historyLinks: number): Promise<RemoteStore> {
  const store = new RemoteStore();
  const content = Buffer.from(DIGEST);
  for (const tag of ["a", "a-b", "b"]) await store.inner.put(tagCurrentLinkPath("app", tag), content);
  await store.inner.put(tagHistoryLinkPath("app", "half", DIGEST), content);
  for (let number = 0; number < historyLinks; number++) {
    await store.inner.put(tagHistoryLinkPath("app", "b", digestOf(Buffer.from(`${number}`))), content);
  }
  return store;
}

it("asks for no link where a listing tells, and for each at the same time where a long history makes it too long", async () => {
  const few = await storeWith(100);
  const many = await storeWith(10_000);
  for (const { driver } of [few, many]) {
    const { tags } = new Registry(driver).repository("app");
    expect(await tags.list()).toEqual({ tags: ["a", "a-b", "b"], more: false });
    expect(await tags.list({ limit: 1, last: "a" })).toEqual({ tags: ["a-b"], more: true });
    expect(await tags.pointingTo(DIGEST)).toEqual(["a", "a-b", "b"]);
  }
  expect(few.count("statFile")).toBe(0);
  // Four folders, then three behind "a".
  expect(many.count("statFile")).toBe(4 + 3);
  expect(many.peak).toBe(4);
});
