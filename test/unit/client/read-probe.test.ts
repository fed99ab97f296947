import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { describe, expect, it, onTestFinished } from "vitest";
import { probeReads, type ReadProbeResult } from "../../../src/client/read-probe.ts";
import { askAddresses } from "../../../src/operations/readonly/ask-addresses.ts";

async function serve(answer: RequestListener): Promise<string> {
  const server = createServer(answer);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  onTestFinished(() => new Promise<void>((resolve) => server.close(() => resolve())));
  return `127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function answering(status: number, body = ""): RequestListener {
  return (_, response) => void response.writeHead(status).end(body);
}

function probe(addr: string): Promise<ReadProbeResult> {
  return probeReads({ addr, net: "tcp", prefix: "/", tls: false });
}

const UNKNOWN = '{"errors":[{"code":"MANIFEST_UNKNOWN"}]}';
const REFUSING: RequestListener = (request, response) => {
  if (request.method === "PUT") response.writeHead(405).end('{"errors":[{"code":"UNSUPPORTED"}]}');
  else response.writeHead(404).end(UNKNOWN);
};
const TAKING: RequestListener = (request, response) => {
  if (request.method === "PUT") response.writeHead(400).end('{"errors":[{"code":"MANIFEST_INVALID"}]}');
  else response.writeHead(404).end(UNKNOWN);
};

describe("probeReads", () => {
  it.each<[string, RequestListener, ReadProbeResult]>([
    ["a manifest that is unknown", answering(404, UNKNOWN), { kind: "works" }],
    [
      "a repository that is unknown",
      answering(404, '{"errors":[{"code":"NAME_UNKNOWN"}]}'),
      { kind: "works" },
    ],
    ["another program's 404", answering(404, "no such page"), { kind: "other", answer: "404 Not Found" }],
    ["a store that fails", answering(503), { kind: "other", answer: "503 Service Unavailable" }],
    ["a question who asks", answering(401), { kind: "denied", answer: "401 Unauthorized" }],
  ])("understands %s", async (_, listener, result) => {
    expect(await probe(await serve(listener))).toEqual(result);
  });

  it("finds nobody at a closed port", async () => {
    expect(await probe("127.0.0.1:1")).toEqual({ kind: "nobody" });
  });
});

describe("askAddresses", () => {
  const at = (addr: string) => ({ addr, net: "tcp", prefix: "/", tls: false }) as const;

  it("finds a registry read-only only if all of its addresses are", async () => {
    const [refusing, other, taking] = [await serve(REFUSING), await serve(REFUSING), await serve(TAKING)];
    const both = await askAddresses([at(refusing), at(other)], undefined)();
    expect([both.writes.kind, both.reads.kind]).toEqual(["read-only", "works"]);
    const mixed = await askAddresses([at(refusing), at(taking)], undefined)();
    expect(mixed.writes).toEqual({
      kind: "other",
      answer: `400: it takes writes (at ${taking})`,
      takesWrites: true,
    });
  });

  it("passes over addresses at which nobody listens, unless nobody listens anywhere", async () => {
    const refusing = await serve(REFUSING);
    const one = await askAddresses([at("127.0.0.1:1"), at(refusing)], undefined)();
    expect(one.writes.kind).toBe("read-only");
    const none = await askAddresses([at("127.0.0.1:1")], undefined)();
    expect(none).toEqual({ writes: { kind: "nobody" }, reads: { kind: "nobody" } });
  });

  it("asks each time with a new authorization", async () => {
    const seen: (string | undefined)[] = [];
    const addr = await serve((request, response) => {
      seen.push(request.headers.authorization);
      REFUSING(request, response);
    });
    let count = 0;
    const ask = askAddresses([at(addr)], async () => `Bearer ${++count}`);
    await ask();
    await ask();
    expect(seen).toEqual(["Bearer 1", "Bearer 1", "Bearer 2", "Bearer 2"]);
  });
});
