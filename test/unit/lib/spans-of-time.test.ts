import { expect, it } from "vitest";
import { formatSpan } from "../../../src/lib/spans-of-time.ts";

it.each([
  [-5, "0 s"],
  [0.4, "0 s"],
  [59.6, "1 min"],
  [61, "1 min 1 s"],
  [3600, "1 h"],
  [3661, "1 h 1 min"],
  [15 * 86_400, "15 d"],
])("tells %s seconds as %s", (seconds, text) => {
  expect(formatSpan(seconds)).toBe(text);
});
