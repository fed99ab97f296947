import { expect, it } from "vitest";
import { formatBytes } from "../../../src/lib/units.ts";

it.each([
  [0, "0 B"],
  [1023, "1023 B"],
  [1024, "1.0 KiB"],
  [1_500_000_000, "1.4 GiB"],
  [2 ** 60, "1024.0 PiB"],
])("formats %i as %s", (bytes, text) => {
  expect(formatBytes(bytes)).toBe(text);
});
