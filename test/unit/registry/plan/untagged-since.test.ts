import { describe, expect, it } from "vitest";
import { LinkList } from "../../../../src/registry/graph/link-list.ts";
import { lastTaggedTimes } from "../../../../src/registry/plan/untagged-since.ts";

function tag(currentModifiedMs: number | undefined, links: Record<number, number>) {
  const history = new LinkList();
  for (const [id, modifiedMs] of Object.entries(links)) history.push(Number(id), modifiedMs);
  return { currentModifiedMs, history };
}

describe("lastTaggedTimes", () => {
  it("takes the next newer link of the same tag as the moment of untagging", () => {
    const times = lastTaggedTimes(new Map([["v1", tag(30, { 1: 10, 2: 20, 3: 30 })]]));
    expect(times.get(1)?.untaggedMs).toBe(20);
    expect(times.get(2)?.untaggedMs).toBe(30);
  });

  it("takes the current link where the newer history links are gone", () => {
    const times = lastTaggedTimes(new Map([["v1", tag(50, { 1: 10 })]]));
    expect(times.get(1)).toEqual({ tag: "v1", taggedMs: 10, untaggedMs: 50, newestLinkMs: 10 });
  });

  it("takes the tag that was lost last", () => {
    const times = lastTaggedTimes(
      new Map([
        ["a", tag(90, { 1: 10, 2: 90 })],
        ["b", tag(40, { 1: 30, 2: 40 })],
      ]),
    );
    expect(times.get(1)).toEqual({ tag: "a", taggedMs: 10, untaggedMs: 90, newestLinkMs: 30 });
  });

  it("takes the later of link and current link where no link is newer", () => {
    expect(lastTaggedTimes(new Map([["v1", tag(5, { 1: 10 })]])).get(1)?.untaggedMs).toBe(10);
    expect(lastTaggedTimes(new Map([["v1", tag(undefined, { 1: 10 })]])).get(1)?.untaggedMs).toBe(10);
  });
});
