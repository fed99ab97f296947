import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { text } from "node:stream/consumers";
import { afterEach, describe, expect, it } from "vitest";
import type { Challenge } from "../../../../src/client/registry/challenge.ts";
import type { Credentials } from "../../../../src/client/registry/credentials.ts";
import { openConnections } from "../../../../src/client/registry/http-request.ts";
import { parseAddress } from "../../../../src/client/registry/registry-address.ts";
import { RegistryClient } from "../../../../src/client/registry/registry-client.ts";
import { RegistryTokens } from "../../../../src/client/registry/registry-tokens.ts";
import { CancelledError } from "../../../../src/errors.ts";

const SCOPE = "repository:a/b:pull";
const REQUEST = { method: "GET", path: "v2/a/b/tags/list", scope: SCOPE } as const;
const ME: Credentials = { kind: "basic", user: "me", password: "hunter2" };

const servers: Server[] = [];
afterEach(() => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    server.close();
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

/** Tokens of a service that numbers them, and a clock that is set by hand. */
async function tokensOf(expiresIn: unknown, credentials: Credentials = ME) {
  const asked: { request: IncomingMessage; body: string }[] = [];
  const realm = await serve((request, response) => {
    void text(request).then((body) => {
      asked.push({ request, body });
      response.end(JSON.stringify({ access_token: `t${asked.length}`, expires_in: expiresIn }));
    });
  });
  const clock = { ms: 0 };
  const tokens = new RegistryTokens({
    address: parseAddress("http://127.0.0.1:1"),
    ...{ credentials, connections: openConnections(), nowMs: () => clock.ms },
  });
  const challenge: Challenge = { kind: "bearer", realm, service: "the service", scope: undefined };
  return { tokens, challenge, clock, asked };
}

describe("tokens", () => {
  it("are renewed before they end, by a share of their life", async () => {
    for (const [expiresIn, lifeMs] of [
      [60, 60_000],
      [2, 2000],
      [undefined, 60_000],
      [-5, 60_000],
      ["soon", 60_000],
      [1e12, 86_400_000],
    ] as const) {
      const { tokens, challenge, clock } = await tokensOf(expiresIn);
      expect(await tokens.header(SCOPE, undefined)).toBeUndefined();
      expect(await tokens.answer(challenge, SCOPE, {})).toBe("Bearer t1");
      clock.ms = lifeMs * 0.5;
      expect(await tokens.header(SCOPE, undefined)).toBe("Bearer t1");
      clock.ms = lifeMs * 0.7;
      expect(await tokens.header(SCOPE, undefined)).toBe("Bearer t2");
    }
  });

  it("are asked for once by all who need them at the same time, and again when one is refused", async () => {
    const { tokens, challenge, asked } = await tokensOf(60);
    const answers = [1, 2, 3].map(() => tokens.answer(challenge, SCOPE, {}));
    expect(await Promise.all(answers)).toEqual(["Bearer t1", "Bearer t1", "Bearer t1"]);
    expect(await tokens.answer(challenge, SCOPE, { refused: "Bearer t0" })).toBe("Bearer t1");
    expect(await tokens.answer(challenge, SCOPE, { refused: "Bearer t1" })).toBe("Bearer t2");
    expect(await tokens.answer(challenge, "repository:a/b:delete", {})).toBe("Bearer t3");
    expect(asked).toHaveLength(3);
    const denied: Challenge = { ...challenge, error: "insufficient_scope" } as Challenge;
    expect(await tokens.answer(denied, SCOPE, { refused: "Bearer t2" })).toBeUndefined();
  });

  it("are given for an identity token, which stands in the body and not in the address", async () => {
    const { tokens, challenge, asked } = await tokensOf(60, { kind: "identity", token: "hunter2" });
    expect(await tokens.answer(challenge, SCOPE, {})).toBe("Bearer t1");
    const [first] = asked;
    expect(first?.request).toMatchObject({ method: "POST", url: "/" });
    expect(first?.request.headers.authorization).toBeUndefined();
    expect(Object.fromEntries(new URLSearchParams(first?.body))).toEqual({
      grant_type: "refresh_token",
      refresh_token: "hunter2",
      client_id: "registry-ctl",
      service: "the service",
      scope: SCOPE,
    });
  });

  it("that are signed here are for what the registry asks for, and go to no token service", async () => {
    const requests: unknown[] = [];
    const { tokens, challenge, asked, clock } = await tokensOf(60, {
      kind: "signed",
      sign: async (request) => {
        requests.push(request);
        return { token: `own${requests.length}`, lifeSeconds: 300 };
      },
    });
    expect(await tokens.answer(challenge, SCOPE, {})).toBe("Bearer own1");
    clock.ms = 250_000;
    expect(await tokens.header(SCOPE, undefined)).toBe("Bearer own2");
    expect(requests[0]).toEqual({
      service: "the service",
      access: [{ type: "repository", name: "a/b", actions: ["pull"] }],
    });
    expect(asked).toEqual([]);
  });
});

describe("a registry that is asked", () => {
  const client = (address: string, credentials: Credentials | undefined = ME): RegistryClient =>
    new RegistryClient({ address: parseAddress(address), credentials, firstWaitMs: 1 });

  it("gets no answer to what another host asks for, to which it redirects", async () => {
    const seen: (string | undefined)[] = [];
    const thief = await serve((request, response) => {
      seen.push(request.headers.authorization);
      const challenge = `Bearer realm="http://${request.headers.host}/token"`;
      response.writeHead(401, { "www-authenticate": challenge }).end();
    });
    for (const asks of ["Bearer", "Basic"]) {
      const address = await serve((_request, response) => {
        response.writeHead(307, { location: `${thief}/${asks}` }).end();
      });
      await expect(client(address).send(REQUEST)).rejects.toThrow("does not let us pull from a/b (401)");
    }
    expect(seen).toEqual([undefined, undefined]);
  });

  it("does not lead a removal elsewhere", async () => {
    let elsewhere = 0;
    const other = await serve((_request, response) => {
      elsewhere++;
      response.writeHead(202).end();
    });
    const address = await serve((_request, response) => {
      response.writeHead(307, { location: `${other}/x` }).end();
    });
    const { message, status } = await client(address).send({ ...REQUEST, method: "DELETE" });
    message.resume();
    expect([status, elsewhere]).toEqual([307, 0]);
  });

  it("is left alone for as long as it asks for, by all requests", async () => {
    const times: number[] = [];
    const address = await serve((_request, response) => {
      times.push(performance.now());
      if (times.length === 1) response.writeHead(503, { "retry-after": "1" }).end();
      else response.end("{}");
    });
    const asking = client(address);
    const first = asking.send(REQUEST);
    await expect.poll(() => times.length).toBe(1);
    // By now the answer has come too.
    await new Promise((resolve) => setImmediate(resolve));
    const both = await Promise.all([first, asking.send(REQUEST)]);
    for (const { message } of both) message.resume();
    const [begun = 0, ...later] = times;
    expect(later.length).toBeGreaterThanOrEqual(1);
    expect(Math.max(...later) - begun).toBeGreaterThanOrEqual(990);
    expect(both.map(({ status }) => status)).toEqual([200, 200]);
  });

  it("stops to be waited for at once when somebody asks to stop", async () => {
    const stop = new AbortController();
    const address = await serve((_request, response) => {
      response.writeHead(429, { "retry-after": "600" }).end(() => stop.abort());
    });
    const sent = client(address).send({ ...REQUEST, signal: stop.signal });
    await expect(sent).rejects.toThrow(CancelledError);
  });

  it("is told its password by a header only where it asks for it, and it is never told to people", async () => {
    const seen: (string | undefined)[] = [];
    const address = await serve((request, response) => {
      seen.push(request.headers.authorization);
      response.writeHead(401, { "www-authenticate": 'Basic realm="x"' }).end("hunter2");
    });
    const error: unknown = await client(address)
      .send(REQUEST)
      .catch((reason: unknown) => reason);
    expect(seen[0]).toBeUndefined();
    expect(seen).toHaveLength(2);
    expect(JSON.stringify([error, String(error)])).not.toContain("hunter2");
  });
});
