import { describe, expect, it } from "vitest";
import { BufferRings } from "../../../src/server/buffer-rings.ts";

describe("BufferRings", () => {
  it("lends a large ring again when it has come back", () => {
    const rings = new BufferRings(1);
    const first = rings.lend();
    rings.giveBack(first);
    expect(rings.lend()).toBe(first);
  });

  it("gives small buffers to those who come when all large ones are lent", () => {
    const rings = new BufferRings(2);
    const [a, b, c] = [rings.lend(), rings.lend(), rings.lend()];
    expect(b[0].length).toBe(a[0].length);
    expect(c[0].length).toBeLessThan(a[0].length);
    rings.giveBack(c);
    expect(rings.lend()[0].length).toBe(c[0].length);
  });

  it("never lends a ring again that may still be read", () => {
    const rings = new BufferRings(1);
    const first = rings.lend();
    rings.discard(first);
    const second = rings.lend();
    expect(second).not.toBe(first);
    expect(second[0].length).toBe(first[0].length);
  });
});
