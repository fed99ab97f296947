import { expect, test } from "vitest";
import { retryDelayMs } from "../../../../src/client/gitlab/retry-delay.ts";

const nowMs = Date.UTC(2026, 10, 22, 12);

test.each([
  [1, {}, 500],
  [4, {}, 4000],
  [20, {}, 30_000],
  [1, { "retry-after": "12" }, 12_000],
  [5, { "retry-after": "1" }, 8000],
  [1, { "retry-after": "Sun, 22 Nov 2026 12:00:40 GMT" }, 40_000],
  [1, { "retry-after": "soon" }, 500],
  [1, { "retry-after": "999999" }, 900_000],
  [1, { "ratelimit-reset": String(nowMs / 1000 + 55) }, 55_000],
  [1, { "ratelimit-reset": String(nowMs / 1000 - 55) }, 500],
  [1, { "ratelimit-reset": "1e99" }, 500],
  [1, { "retry-after": "3", "ratelimit-reset": String(nowMs / 1000 + 55) }, 3000],
])("after attempt %i, told %j, it waits %i ms", (attempt, headers, expected) => {
  expect(retryDelayMs(attempt, headers, nowMs)).toBe(expected);
});
