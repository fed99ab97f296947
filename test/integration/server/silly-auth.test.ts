import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";

let server: InProcessServer;

beforeAll(async () => {
  const auth = { kind: "silly", realm: "a realm", service: 'a "service"' } as const;
  server = await startInProcessServer({ settings: { auth } });
});

afterAll(() => server.close());

describe("auth.silly", () => {
  it("lets in whoever sends any Authorization header", async () => {
    const response = await fetch(`${server.url}/v2/`, { headers: { authorization: "seriously, anything" } });
    expect(response.status).toBe(200);
    expect(server.accessLines.at(-1)).toMatch(/ - silly \[/);
  });

  it("challenges as the Go registry does", async () => {
    const base = await fetch(`${server.url}/v2/`);
    expect([base.status, base.headers.get("www-authenticate")]).toEqual([
      401,
      'Bearer realm="a realm",service="a \\"service\\""',
    ]);
    const push = await fetch(`${server.url}/v2/some/repo/blobs/uploads/`, { method: "POST" });
    expect(push.headers.get("www-authenticate")).toBe(
      'Bearer realm="a realm",service="a \\"service\\"",scope="repository:some/repo:pull repository:some/repo:push"',
    );
  });
});
