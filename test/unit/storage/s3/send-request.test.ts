import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { buffer } from "node:stream/consumers";
import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { afterEach, describe, expect, onTestFinished, test } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { ConnectionPools } from "../../../../src/storage/s3/connection-pools.ts";
import { createS3Store, type S3StoreOptions } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3ConnectionError, type S3Lane, S3RequestError } from "../../../../src/storage/s3/s3-lane.ts";
import { createLane } from "../../../../src/storage/s3/send-request.ts";
import type { SigningCredentials } from "../../../../src/storage/s3/sigv4.ts";
import { type FaultKind, faultsByPlan, PASSING_FAULTS } from "../../../support/s3-server/faults.ts";
import { Refusal } from "../../../support/s3-server/reply.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../../../support/s3-server/s3-server.ts";
import { s3Settings } from "../../../support/s3-server/settings.ts";
import { TEST_CERTIFICATE, TEST_KEY } from "../../../support/test-certificate.ts";

let server: S3Server | undefined;

afterEach(async () => {
  await server?.close();
  server = undefined;
});

async function start(options: S3ServerOptions = {}): Promise<S3Server> {
  server = await startS3Server(options);
  return server;
}

/** Pauses are left out, and kept for a look. */
function laneOf(s3: Pick<S3Server, "settings">, options: S3StoreOptions = {}, maxRetries = 5) {
  const pauses: number[] = [];
  const sleep = (delayMs: number) => {
    pauses.push(delayMs);
    return Promise.resolve();
  };
  const { lane } = createS3Store(s3.settings("registry", { maxRetries }), {
    sleep,
    random: () => 0,
    ...options,
  });
  return { lane, pauses };
}

const put = (lane: S3Lane, key: string, text: string) =>
  lane.send({ method: "PUT", key, body: Buffer.from(text) });

async function textOf(lane: S3Lane, key: string): Promise<string> {
  return Buffer.from((await lane.send({ method: "GET", key })).body).toString();
}

/** A server that is no store at all. */
async function listenWith(listener: RequestListener) {
  const plain = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(async () => {
    plain.closeAllConnections();
    await new Promise((resolve) => plain.close(resolve));
  });
  await new Promise((resolve) => plain.once("listening", resolve));
  const { port } = plain.address() as AddressInfo;
  const place = { bucket: "registry", region: "us-east-1", accessKey: "a", secretKey: "s" };
  const endpoint = `http://127.0.0.1:${port}`;
  return {
    server: plain,
    settings: (_bucket: string, changes = {}) => s3Settings({ endpoint, ...place }, changes),
  };
}

describe("the lane", () => {
  test.each(["plain", "a b/ü+%&=?#", "(it's)!*", "x~y._-/0", "tab\tline\n", "🐳/."])(
    "signs and sends the key %j so that the store takes it for what it is",
    async (key) => {
      const s3 = await start();
      const { lane } = laneOf(s3);
      await put(lane, key, "content");
      expect([...s3.objects("registry").keys()]).toEqual([key]);
      expect(await textOf(lane, key)).toBe("content");
    },
  );

  test("sorts parameters by name, so that a marker before its namesake does no harm", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    const query = { uploads: "", "upload-id-marker": "x y", "key-marker": "a+b", prefix: "p/" };
    await expect(lane.send({ method: "GET", query })).resolves.toMatchObject({ status: 200 });
  });

  test("sends session tokens, and headers of the caller", async () => {
    const s3 = await start({ sessionToken: "session" });
    const { lane } = laneOf(s3);
    await put(lane, "a", "0123456789");
    const answer = await lane.send({ method: "GET", key: "a", headers: { range: "bytes=2-4" } });
    expect(answer).toMatchObject({ status: 206, attempts: 1 });
    expect(Buffer.from(answer.body).toString()).toBe("234");
  });

  test("gives status, headers and no body for HEAD", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await put(lane, "a", "12345");
    const answer = await lane.send({ method: "HEAD", key: "a" });
    expect(answer.headers["content-length"]).toBe("5");
    expect(answer.body).toHaveLength(0);
  });

  test("sends one MD5 with a removal of many, as all stores want it", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await put(lane, "a", "1");
    const body = Buffer.from("<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>");
    await lane.send({ method: "POST", query: { delete: "" }, body });
    expect(s3.objects("registry").size).toBe(0);
    expect(s3.requests.at(-1)?.headers["content-md5"]).toBeDefined();
  });

  test("counts every attempt by its kind", async () => {
    const s3 = await start({
      faults: faultsByPlan([{ fault: "slow-down", operation: "PutObject", times: 2 }]),
    });
    const { lane } = laneOf(s3);
    await put(lane, "a", "1");
    await lane.send({ method: "GET", query: { "list-type": "2" } });
    expect(lane.requests).toEqual({ "PUT object": 3, LIST: 1 });
  });

  test("refuses with the store's own code, and tells what it said", async () => {
    const { lane } = laneOf(await start({ bucketRegion: "eu-west-1" }));
    const error = await lane.send({ method: "GET", key: "a" }).catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(S3RequestError);
    expect(error).toMatchObject({
      status: 301,
      code: "PermanentRedirect",
      requestId: "request-1",
      headers: { "x-amz-bucket-region": "eu-west-1" },
      details: { Endpoint: "s3.eu-west-1.amazonaws.com" },
      attempts: 1,
    });
  });
});

describe("attempts", () => {
  const operations = {
    "PUT object": { method: "PUT", key: "a", body: Buffer.from("new") },
    "GET object": { method: "GET", key: "b" },
    LIST: { method: "GET", query: { "list-type": "2" } },
    "DELETE many": {
      method: "POST",
      query: { delete: "" },
      body: Buffer.from("<Delete><Object><Key>c</Key></Object></Delete>"),
    },
    "COPY object": { method: "PUT", key: "d", headers: { "x-amz-copy-source": "registry/b" } },
  } as const;
  const faults = PASSING_FAULTS.filter((fault) => fault !== "failing-keys");
  const cases = Object.keys(operations).flatMap((kind) => faults.map((fault) => [kind, fault] as const));

  test.each(cases)("%s comes through after %s", async (kind, fault) => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    for (const key of ["b", "c"]) await put(lane, key, "content of an object that can be cut");
    s3.options.faults = faultsByPlan([{ fault, times: 2 }]);
    const answer = await lane.send(operations[kind as keyof typeof operations]);
    expect(answer.attempts).toBe(fault === "slow-body" ? 1 : 3);
    const objects = s3.objects("registry");
    expect([...objects.keys()].sort().join()).toBe(
      { "PUT object": "a,b,c", "DELETE many": "b", "COPY object": "b,c,d" }[kind] ?? "b,c",
    );
  });

  test("end after so many retries with what the store says last", async () => {
    const s3 = await start({ faults: () => "slow-down" });
    const { lane, pauses } = laneOf(s3, { random: () => 1 }, 3);
    await expect(put(lane, "a", "1")).rejects.toMatchObject({ status: 503, code: "SlowDown", attempts: 4 });
    expect(pauses).toEqual([500, 1000, 2000]);
  });

  test("end at once where another cannot help", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await expect(textOf(lane, "missing")).rejects.toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(s3.count("GetObject")).toBe(1);
  });

  test("tell whether a condition failed over an effect of our own", async () => {
    const s3 = await start({ faults: faultsByPlan([{ fault: "reset-after" }]) });
    const { lane } = laneOf(s3);
    const request = {
      method: "PUT",
      key: "lock",
      headers: { "if-none-match": "*" },
      body: Buffer.from("x"),
    } as const;
    await expect(lane.send(request)).rejects.toMatchObject({ code: "PreconditionFailed", attempts: 2 });
  });

  test("wait as long as the store asks for", async () => {
    let requests = 0;
    const { lane, pauses } = laneOf(
      await listenWith((_request, response) => {
        requests += 1;
        if (requests > 1) response.end("ok");
        else response.writeHead(503, { "retry-after": "7" }).end();
      }),
    );
    expect(await textOf(lane, "a")).toBe("ok");
    expect(pauses).toEqual([7000]);
  });

  test("end in a connection error that says how many there were, if nobody listens", async () => {
    const s3 = await start();
    await s3.close();
    server = undefined;
    const error = await put(laneOf(s3, {}, 2).lane, "a", "1").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(S3ConnectionError);
    expect(error).toMatchObject({ attempts: 3, cause: { code: "ECONNREFUSED" } });
  });

  test("end in a connection error if what answers is no store", async () => {
    const { lane } = laneOf(
      await listenWith((_request, response) => response.end("<html><p>hello</html>")),
      {},
      1,
    );
    const listing = lane.send({ method: "GET", query: { "list-type": "2" } });
    await expect(listing).rejects.toThrow(S3ConnectionError);
  });

  test("give up a server that does not answer", async () => {
    const s3 = await start({ faults: faultsByPlan([{ fault: "stalled" }]) });
    const { lane } = laneOf(s3, { timeouts: { headersMs: 300, bodyMs: 300 } });
    expect(await put(lane, "a", "1")).toMatchObject({ attempts: 2 });
  });

  test("take up with keep-alive connections that the server has closed", async () => {
    const s3 = await listenWith((_request, response) => {
      response.end("ok");
      setImmediate(() => response.socket?.destroy());
    });
    const { lane } = laneOf(s3);
    for (let request = 0; request < 5; request++) expect(await textOf(lane, "a")).toBe("ok");
  });
});

describe("credentials", () => {
  /** The chain of providers gives these keys, one after the other. */
  function credentialsOf(...keys: SigningCredentials[]) {
    let index = 0;
    const current = () => keys[index];
    return {
      current,
      load: () => Promise.reject(new Error("there is a key already")),
      renew: (used: SigningCredentials | undefined) => {
        if (used === keys[index] && index + 1 < keys.length) index += 1;
        return Promise.resolve(used !== keys[index]);
      },
    };
  }

  function laneWith(s3: S3Server, ...keys: SigningCredentials[]): S3Lane {
    const settings = s3.settings("registry");
    const { host } = new URL(s3.endpoint);
    const address = {
      origin: s3.endpoint,
      host,
      basePath: "/registry",
      signingRegion: "us-east-1",
      signingName: "s3",
    };
    return createLane({
      settings,
      requests: {},
      rate: { take: () => undefined },
      credentials: credentialsOf(...keys),
      address: () => Promise.resolve(address),
      connections: new ConnectionPools({ skipVerify: false }),
      random: () => 0,
    });
  }

  const good = { accessKeyId: "testaccess", secretAccessKey: "testsecret1234567890", sessionToken: "new" };

  test("that have expired are renewed once, and the request is sent again", async () => {
    const s3 = await start({ sessionToken: "new", hasExpired: true });
    const renewed = laneWith(s3, { ...good }, { ...good }).send({
      method: "PUT",
      key: "a",
      body: Buffer.from("1"),
    });
    await expect(renewed).rejects.toMatchObject({ code: "ExpiredToken", attempts: 2 });
    s3.options.hasExpired = false;
    let expired = true;
    s3.options.policy = () => {
      if (!expired) return undefined;
      expired = false;
      return new Refusal(400, "ExpiredToken", "The provided token has expired.");
    };
    const answer = await laneWith(s3, { ...good }, good).send({
      method: "PUT",
      key: "a",
      body: Buffer.from("1"),
    });
    expect(answer.attempts).toBe(2);
  });

  test("are renewed for a HEAD too, whose refusal has no text", async () => {
    const s3 = await start({ sessionToken: "new" });
    await laneWith(s3, good).send({ method: "PUT", key: "a", body: Buffer.from("1") });
    const old = { ...good, sessionToken: "old" };
    expect((await laneWith(s3, old, good).send({ method: "HEAD", key: "a" })).attempts).toBe(2);
  });

  test("that cannot be renewed are not tried again", async () => {
    const s3 = await start({ hasExpired: true });
    const { lane } = laneOf(s3);
    await expect(put(lane, "a", "1")).rejects.toMatchObject({ code: "ExpiredToken", attempts: 1 });
  });
});

describe("TLS", () => {
  const tls = { key: TEST_KEY, cert: TEST_CERTIFICATE };

  test("refuses a certificate that nobody trusts, without trying again", async () => {
    const { lane, pauses } = laneOf(await start({ tls }));
    await expect(put(lane, "a", "1")).rejects.toMatchObject({
      cause: { code: "DEPTH_ZERO_SELF_SIGNED_CERT" },
    });
    expect(pauses).toEqual([]);
  });

  test("takes any certificate where the configuration says so, in both lanes", async () => {
    const s3 = await start({ tls });
    const store = createS3Store(s3.settings("registry", { skipVerify: true }));
    await put(store.lane, "a", "1");
    const sdk = await store.sdk();
    await expect(sdk.send(new HeadObjectCommand({ Bucket: "registry", Key: "a" }))).resolves.toBeDefined();
  });
});

test("the user agent of the configuration goes with both lanes", async () => {
  const s3 = await start();
  const store = createS3Store(s3.settings("registry", { userAgent: "our registry/1" }));
  await put(store.lane, "a", "1");
  await (await store.sdk()).send(new HeadObjectCommand({ Bucket: "registry", Key: "a" }));
  expect(s3.requests.map(({ headers }) => headers["user-agent"])).toEqual([
    "our registry/1",
    "our registry/1",
  ]);
  await put(laneOf(s3).lane, "a", "1");
  expect(s3.requests.at(-1)?.headers["user-agent"]).toBe("registry-ctl");
});

test("a HEAD leaves its connection for other requests", async () => {
  let connections = 0;
  const s3 = await listenWith((_request, response) => response.end());
  s3.server.on("connection", () => {
    connections += 1;
  });
  const { lane } = laneOf(s3);
  for (let request = 0; request < 10; request++) await lane.send({ method: "HEAD", key: "a" });
  // The next request may come just before the connection is free.
  expect(connections).toBeLessThanOrEqual(2);
});

describe("cancelling", () => {
  test("ends a request under way", async () => {
    const s3 = await start({ latencyMs: 10_000 });
    const stop = new AbortController();
    const request = laneOf(s3).lane.send({ method: "GET", key: "a", signal: stop.signal });
    setTimeout(() => stop.abort(), 20);
    await expect(request).rejects.toThrow(CancelledError);
  });

  test("ends a pause between attempts", async () => {
    const s3 = await start({ faults: () => "slow-down" });
    const { lane } = createS3Store(s3.settings("registry", { maxRetries: 50 }), { random: () => 1 });
    const stop = new AbortController();
    const request = lane.send({ method: "GET", key: "a", signal: stop.signal });
    setTimeout(() => stop.abort(), 50);
    await expect(request).rejects.toThrow(CancelledError);
  });

  test("asks nothing of the store if it was before", async () => {
    const s3 = await start();
    const request = laneOf(s3).lane.send({ method: "GET", key: "a", signal: AbortSignal.abort() });
    await expect(request).rejects.toThrow(CancelledError);
    expect(s3.requests).toHaveLength(0);
  });

  test("breaks a stream off", async () => {
    const s3 = await start({ faults: () => "slow-body" });
    s3.options.faults = undefined;
    const { lane } = laneOf(s3);
    await put(lane, "a", "x".repeat(100_000));
    s3.options.faults = () => "slow-body";
    const stop = new AbortController();
    const { body } = await lane.open({ method: "GET", key: "a", signal: stop.signal });
    const read = buffer(body);
    stop.abort();
    await expect(read).rejects.toThrow(CancelledError);
  });
});

describe("streams", () => {
  const MIB = 1024 * 1024;

  test("give all bytes, to a slow reader too", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    const content = Buffer.alloc(5 * MIB, "0123456789abcdef!");
    await lane.send({ method: "PUT", key: "a", body: content });
    const { body, headers, attempts } = await lane.open({ method: "GET", key: "a" });
    expect([headers["content-length"], attempts]).toEqual([String(content.length), 1]);
    const chunks: Buffer[] = [];
    for await (const chunk of body) {
      await new Promise((resolve) => setImmediate(resolve));
      chunks.push(chunk);
    }
    expect(Buffer.concat(chunks).equals(content)).toBe(true);
  });

  test("keep no more than a little of what nobody reads", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await lane.send({ method: "PUT", key: "a", body: Buffer.alloc(20 * MIB) });
    const { body } = await lane.open({ method: "GET", key: "a" });
    await new Promise((resolve) => setTimeout(resolve, 200));
    expect(body.readableLength).toBeLessThan(MIB);
    body.destroy();
  });

  test.each<FaultKind>(["cut-body"])("break off with an error at %s", async (fault) => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await put(lane, "a", "x".repeat(10_000));
    s3.options.faults = () => fault;
    const { body } = await lane.open({ method: "GET", key: "a" });
    await expect(buffer(body)).rejects.toThrow(S3ConnectionError);
  });

  test("are tried again until their first byte", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await put(lane, "a", "content");
    s3.options.faults = faultsByPlan([{ fault: "slow-down" }, { fault: "reset-before" }]);
    const { body, attempts } = await lane.open({ method: "GET", key: "a" });
    expect((await buffer(body)).toString()).toBe("content");
    expect(attempts).toBe(3);
  });

  test("refuse like other requests", async () => {
    const { lane } = laneOf(await start());
    await expect(lane.open({ method: "GET", key: "missing" })).rejects.toMatchObject({ code: "NoSuchKey" });
  });

  test("that are destroyed early leave the lane working", async () => {
    const s3 = await start();
    const { lane } = laneOf(s3);
    await lane.send({ method: "PUT", key: "a", body: Buffer.alloc(5 * MIB) });
    for (let round = 0; round < 5; round++) (await lane.open({ method: "GET", key: "a" })).body.destroy();
    expect((await lane.send({ method: "HEAD", key: "a" })).status).toBe(200);
  });
});
