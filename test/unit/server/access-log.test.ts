import { describe, expect, it } from "vitest";
import { type AccessRecord, formatAccessLine } from "../../../src/server/access-log.ts";

const RECORD: AccessRecord = {
  clientAddress: "192.0.2.7",
  user: undefined,
  method: "GET",
  uri: "/v2/a/manifests/latest",
  httpVersion: "1.1",
  status: 200,
  sentBytes: 512,
  referer: undefined,
  userAgent: "skopeo/1.18",
};
const WHEN = new Date("2026-11-21T04:05:06Z");

describe("formatAccessLine", () => {
  it("writes the Combined Log Format", () => {
    expect(formatAccessLine(RECORD, WHEN)).toBe(
      '192.0.2.7 - - [21/Nov/2026:04:05:06 +0000] "GET /v2/a/manifests/latest HTTP/1.1" 200 512 "" "skopeo/1.18"',
    );
  });

  it("writes user and referer, and a hyphen for no bytes", () => {
    const line = formatAccessLine({ ...RECORD, user: "jane doe", referer: "x", sentBytes: 0 }, WHEN);
    expect(line).toContain("192.0.2.7 - jane\\x20doe [");
    expect(line).toContain('" 200 - "x" "');
  });

  it("lets no client end a field or a line", () => {
    const userAgent = 'evil" 200 1\r\n10.0.0.1 - - "GET /\u0085\u2028\\';
    const line = formatAccessLine({ ...RECORD, userAgent }, WHEN);
    expect(line).not.toMatch(/[\r\n\u0085\u2028]/);
    expect(line.endsWith('"evil\\" 200 1\\x0d\\x0a10.0.0.1 - - \\"GET /\\x85\\x2028\\\\"')).toBe(true);
  });

  it.each(["uri", "referer", "userAgent"] as const)("shows no token that came in the %s", (field) => {
    const token = "eyJhbGciOiJSUzI1NiIsImtpZCI6IkEifQ.eyJpc3MiOiJnaXRsYWItaXNzdWVyIn0.c2lnbmF0dXJl_-x";
    const line = formatAccessLine({ ...RECORD, [field]: `/v2/a/manifests/${token}` }, WHEN);
    expect(line).toContain("/v2/a/manifests/***");
    expect(line).not.toContain("c2ln");
  });
});
