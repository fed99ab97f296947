import { describe, expect, test } from "vitest";
import {
  mayHappenLater,
  passingFailureOf,
  pauseAfter,
  retryAfterOf,
} from "../../../../src/storage/s3/retry-rules.ts";
import { S3ConnectionError, S3RequestError } from "../../../../src/storage/s3/s3-lane.ts";

const refusal = (status: number, code = "") =>
  new S3RequestError({ status, code, message: "", requestId: "", headers: {} });
const broken = (code: string) =>
  new S3ConnectionError("x", { cause: Object.assign(new Error("x"), { code }) });

describe("passingFailureOf", () => {
  test.each([
    [refusal(503, "SlowDown"), "busy"],
    [refusal(503), "busy"],
    [refusal(429), "busy"],
    // Some stores throttle with a status that says something else.
    [refusal(400, "SlowDown"), "busy"],
    [refusal(200, "InternalError"), "chance"],
    [refusal(500), "chance"],
    [refusal(400, "RequestTimeout"), "chance"],
    [refusal(409, "ConditionalRequestConflict"), "chance"],
    [broken("ECONNRESET"), "chance"],
    [broken("UND_ERR_SOCKET"), "chance"],
    [broken("ECONNREFUSED"), "busy"],
    [new S3ConnectionError("the answer breaks off"), "chance"],
  ])("%s may pass", (error, expected) => {
    expect(passingFailureOf(error)).toBe(expected);
  });

  test.each([
    [refusal(404, "NoSuchKey")],
    [refusal(403, "AccessDenied")],
    [refusal(412, "PreconditionFailed")],
    [refusal(301, "PermanentRedirect")],
    [refusal(409, "BucketAlreadyExists")],
    [broken("DEPTH_ZERO_SELF_SIGNED_CERT")],
    [broken("ERR_TLS_CERT_ALTNAME_INVALID")],
    [broken("UNABLE_TO_VERIFY_LEAF_SIGNATURE")],
    [new Error("a bug")],
  ])("%s does not pass by itself", (error) => {
    expect(passingFailureOf(error)).toBeUndefined();
  });

  test("looks at the first address where several were tried", () => {
    const both = new AggregateError([Object.assign(new Error("x"), { code: "ECONNREFUSED" })]);
    expect(passingFailureOf(new S3ConnectionError("x", { cause: both }))).toBe("busy");
  });
});

describe("pauseAfter", () => {
  test("lies between nothing and a bound that doubles", () => {
    expect([1, 2, 3].map((failures) => pauseAfter("chance", failures, 1, 0))).toEqual([100, 200, 400]);
    expect([1, 2, 3].map((failures) => pauseAfter("busy", failures, 1, 0))).toEqual([500, 1000, 2000]);
    expect(pauseAfter("busy", 30, 1, 0)).toBe(20_000);
    expect(pauseAfter("busy", 3, 0, 0)).toBe(0);
  });

  test("is at least what the store asks for, up to a minute", () => {
    expect(pauseAfter("busy", 1, 0, 3000)).toBe(3000);
    expect(pauseAfter("busy", 1, 1, 3000)).toBe(3500);
    expect(pauseAfter("busy", 1, 0, 3_600_000)).toBe(60_000);
  });
});

test("retryAfterOf reads seconds and dates", () => {
  const nowMs = Date.UTC(2026, 0, 1);
  expect(retryAfterOf("2", nowMs)).toBe(2000);
  expect(retryAfterOf(new Date(nowMs + 5000).toUTCString(), nowMs)).toBe(5000);
  expect(retryAfterOf(new Date(nowMs - 5000).toUTCString(), nowMs)).toBe(0);
  for (const header of [undefined, "", "soon", "-1"]) expect(retryAfterOf(header, nowMs), header).toBe(0);
});

describe("mayHappenLater", () => {
  test.each([
    [broken("ECONNRESET"), true],
    [broken("UND_ERR_HEADERS_TIMEOUT"), true],
    [new S3ConnectionError("the answer breaks off"), true],
    [refusal(500, "InternalError"), true],
    [refusal(200, "InternalError"), true],
    [refusal(504), true],
    // It was never sent, or never taken.
    [broken("ECONNREFUSED"), false],
    [broken("UND_ERR_CONNECT_TIMEOUT"), false],
    [broken("DEPTH_ZERO_SELF_SIGNED_CERT"), false],
    [refusal(503, "SlowDown"), false],
    [refusal(403, "AccessDenied"), false],
    [refusal(404, "NoSuchKey"), false],
    [new Error("a bug"), false],
  ])("of %s: %s", (error, expected) => {
    expect(mayHappenLater(error)).toBe(expected);
  });
});
