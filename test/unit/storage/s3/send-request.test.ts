import { HeadObjectCommand } from "@aws-sdk/client-s3";
import { describe, expect, test } from "vitest";
import { SILENCE } from "../../../../src/storage/s3/connection-exchange.ts";
import { createS3Store } from "../../../../src/storage/s3/create-s3-store.ts";
import { S3ConnectionError, S3RequestError } from "../../../../src/storage/s3/s3-lane.ts";
import { getText, laneOf, plainServerOfTest, putText, s3ServerOfTest } from "../../../support/s3-lane.ts";
import { faultsByPlan, PASSING_FAULTS } from "../../../support/s3-server/faults.ts";

describe("the lane", () => {
  test.each(["plain", "a b/ü+%&=?#", "(it's)!*", "x~y._-/0", "tab\tline\n", "🐳/."])(
    "signs and sends the key %j so that the store takes it for what it is",
    async (key) => {
      const s3 = await s3ServerOfTest();
      const { lane } = laneOf(s3);
      await putText(lane, key, "content");
      expect([...s3.objects("registry").keys()]).toEqual([key]);
      expect(await getText(lane, key)).toBe("content");
    },
  );

  test("sorts parameters by name, so that a marker before its namesake does no harm", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    const query = { uploads: "", "upload-id-marker": "x y", "key-marker": "a+b", prefix: "p/" };
    await expect(lane.send({ method: "GET", query })).resolves.toMatchObject({ status: 200 });
  });

  test("sends session tokens, and headers of the caller", async () => {
    const s3 = await s3ServerOfTest({ sessionToken: "session" });
    const { lane } = laneOf(s3);
    await putText(lane, "a", "0123456789");
    const answer = await lane.send({ method: "GET", key: "a", headers: { range: "bytes=2-4" } });
    expect(answer).toMatchObject({ status: 206, attempts: 1 });
    expect(Buffer.from(answer.body).toString()).toBe("234");
  });

  test("gives status, headers and no body for HEAD", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await putText(lane, "a", "12345");
    const answer = await lane.send({ method: "HEAD", key: "a" });
    expect(answer.headers["content-length"]).toBe("5");
    expect(answer.body).toHaveLength(0);
  });

  test("sends one MD5 with a removal of many, as all stores want it", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await putText(lane, "a", "1");
    const body = Buffer.from("<Delete><Quiet>true</Quiet><Object><Key>a</Key></Object></Delete>");
    await lane.send({ method: "POST", query: { delete: "" }, body });
    expect(s3.objects("registry").size).toBe(0);
    expect(s3.requests.at(-1)?.headers["content-md5"]).toBeDefined();
  });

  test("counts every attempt by its kind", async () => {
    const s3 = await s3ServerOfTest({
      faults: faultsByPlan([{ fault: "slow-down", operation: "PutObject", times: 2 }]),
    });
    const { lane } = laneOf(s3);
    await putText(lane, "a", "1");
    await lane.send({ method: "GET", query: { "list-type": "2" } });
    expect(lane.requests).toEqual({ "PUT object": 3, LIST: 1 });
  });

  test("refuses with the store's own code, and tells what it said", async () => {
    const { lane } = laneOf(await s3ServerOfTest({ bucketRegion: "eu-west-1" }));
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

describe("an answer that nothing is there", () => {
  const missing = { method: "GET", key: "a" } as const;

  /** Answers 404 so many times, then 200. */
  async function storeBehind(page: string, times: number, headers: Record<string, string> = {}) {
    let left = times;
    return plainServerOfTest((_request, response) => {
      for (const [name, value] of Object.entries(headers)) response.setHeader(name, value);
      response.statusCode = left-- > 0 ? 404 : 200;
      response.end(response.statusCode === 404 ? page : "content");
    });
  }

  test.each(["default backend - 404", "<html><body><h1>404 Not Found</h1></body></html>"])(
    "does not count as one when it is a page of a proxy: %s",
    async (page) => {
      const { lane } = laneOf(await storeBehind(page, 2));
      expect(await getText(lane, "a")).toBe("content");
      const away = laneOf(await storeBehind(page, Number.POSITIVE_INFINITY), {}, 1).lane;
      await expect(away.send(missing)).rejects.toThrow(S3ConnectionError);
      await expect(away.open(missing)).rejects.toThrow("no answer of an S3 server");
    },
  );

  test.each([
    ["", { "x-amz-request-id": "1" }],
    ["<Error><Code>NoSuchKey</Code></Error>", {}],
  ])("counts with the body %j and the headers %j", async (body, headers) => {
    const { lane } = laneOf(await storeBehind(body, Number.POSITIVE_INFINITY, headers));
    await expect(lane.send(missing)).rejects.toMatchObject({ status: 404, attempts: 1 });
    await expect(lane.open(missing)).rejects.toBeInstanceOf(S3RequestError);
  });

  /** A store that puts nothing of its own into headers; a proxy before it answers 404 to HEAD so many times. */
  async function unmarkedStore(keys: readonly string[], times: number) {
    let left = times;
    const asked: string[] = [];
    const server = await plainServerOfTest((request, response) => {
      const url = new URL(request.url ?? "", "http://store");
      asked.push(request.method ?? "");
      if (request.method === "HEAD") {
        const isThere = keys.some((key) => url.pathname.endsWith(`/${key}`)) && left-- <= 0;
        response.writeHead(isThere ? 200 : 404).end();
        return;
      }
      const found = keys.filter((key) => key.startsWith(url.searchParams.get("prefix") ?? ""));
      const contents = found.map((key) => `<Contents><Key>${key}</Key><Size>1</Size></Contents>`);
      response.end(`<ListBucketResult>${contents.join("")}</ListBucketResult>`);
    });
    return { server, asked };
  }

  test("without a body or a header of a store is confirmed by a listing", async () => {
    const { server, asked } = await unmarkedStore(["a"], 2);
    const { lane } = laneOf(server);
    const head = { method: "HEAD", key: "a" } as const;
    await expect(lane.send(head)).resolves.toMatchObject({ status: 200, attempts: 3 });
    expect(asked.splice(0)).toEqual(["HEAD", "GET", "HEAD", "GET", "HEAD"]);
    await expect(lane.send({ method: "HEAD", key: "b" })).rejects.toMatchObject({ status: 404, attempts: 1 });
    expect(asked).toEqual(["HEAD", "GET"]);
    expect(lane.requests).toMatchObject({ LIST: 3 });
  });

  test.each([
    { method: "HEAD", key: "a" },
    { method: "GET", key: "a" },
    { method: "GET", query: { "list-type": "2" } },
    { method: "DELETE", key: "a" },
    { method: "POST", query: { delete: "" }, body: Buffer.from("<Delete/>") },
  ] as const)("does not count when a proxy answers nothing but 404: $method $key", async (request) => {
    const { lane } = laneOf(await storeBehind("", Number.POSITIVE_INFINITY), {}, 1);
    await expect(lane.send(request)).rejects.toThrow(S3ConnectionError);
    const cached = await storeBehind("", Number.POSITIVE_INFINITY, { "x-amz-cf-id": "1" });
    await expect(laneOf(cached, {}, 1).lane.send(request)).rejects.toThrow(S3ConnectionError);
  });
});

describe("a redirection to another host", () => {
  /** Answers 307 with an address to everything, and counts what comes. */
  async function redirecting(location: string) {
    const paths: string[] = [];
    const server = await plainServerOfTest((request, response) => {
      paths.push(request.url ?? "");
      response.writeHead(307, { location, "x-amz-request-id": "1" }).end();
    });
    return { ...server, paths };
  }

  test("of the same service is followed, signed anew for it", async () => {
    const s3 = await s3ServerOfTest();
    const first = await redirecting(`${s3.endpoint}/registry/somewhere?else`);
    const settings = (bucket: string) =>
      s3.settings(bucket, { endpoint: first.settings("registry").endpoint });
    const { lane } = laneOf({ settings });
    expect(await putText(lane, "a b", "content")).toMatchObject({ status: 200, attempts: 1 });
    expect(await getText(lane, "a b")).toBe("content");
    const { body } = await lane.open({ method: "GET", key: "a b" });
    expect(Buffer.concat(await body.toArray()).toString()).toBe("content");
    await lane.send({ method: "GET", query: { "list-type": "2", prefix: "x" } });
    expect([...s3.objects("registry").keys()]).toEqual(["a b"]);
    // An address is good for one request.
    expect(first.paths).toHaveLength(4);
  });

  test("of somebody else gets nothing, and is told", async () => {
    const other = await redirecting("");
    const { endpoint } = other.settings("registry");
    const first = await redirecting(`${endpoint.replace("127.0.0.1", "localhost")}/registry/a`);
    const { lane } = laneOf(first);
    const request = { method: "HEAD", key: "a" } as const;
    await expect(lane.send(request)).rejects.toMatchObject({ status: 307, attempts: 1 });
    expect(other.paths).toEqual([]);
  });

  test("is followed once", async () => {
    const last = await redirecting("http://127.0.0.1:1/");
    const first = await redirecting(`${last.settings("registry").endpoint}/`);
    await expect(getText(laneOf(first).lane, "a")).rejects.toMatchObject({ status: 307 });
    expect([first.paths.length, last.paths.length]).toEqual([1, 1]);
  });
});

describe("a store that takes requests and does not answer", () => {
  const quick = { quickHeadersMs: 200, quickTotalMs: 300, headersMs: 60_000 };
  const small = [
    { method: "GET", key: "a" },
    { method: "HEAD", key: "a" },
    { method: "PUT", key: "a", body: Buffer.alloc(1000) },
    { method: "DELETE", key: "a" },
    { method: "GET", query: { "list-type": "2" } },
    { method: "POST", query: { delete: "" }, body: Buffer.from("<Delete/>") },
  ] as const;

  test.each(small)(
    "is given up when all attempts of $method $key have waited long enough",
    async (request) => {
      let requests = 0;
      const { lane } = laneOf(await plainServerOfTest(() => void requests++), { timeouts: quick });
      await expect(lane.send(request)).rejects.toMatchObject({ attempts: 2, cause: { code: SILENCE } });
      expect(requests).toBe(2);
    },
  );

  test("is given up by streams too, whose bodies may take longer", async () => {
    let isStalled = false;
    const slow = await plainServerOfTest((_request, response) => {
      if (isStalled) return;
      response.write("con");
      setTimeout(() => response.end("tent"), 600);
    });
    const { lane } = laneOf(slow, { timeouts: quick });
    const { body } = await lane.open({ method: "GET", key: "a" });
    expect(Buffer.concat(await body.toArray()).toString()).toBe("content");
    isStalled = true;
    await expect(lane.open({ method: "GET", key: "a" })).rejects.toMatchObject({ attempts: 2 });
  });

  test("is given up also by those for whom no connection is free", async () => {
    let requests = 0;
    const { lane } = laneOf(await plainServerOfTest(() => void requests++), { timeouts: quick });
    const all = Array.from({ length: 300 }, () => lane.send({ method: "HEAD", key: "a" }));
    const ends = await Promise.allSettled(all);
    expect(ends.every(({ status }) => status === "rejected")).toBe(true);
    expect(requests).toBeLessThan(600);
  });

  test("gets its time for what it may work at for minutes", async () => {
    const late = await plainServerOfTest((_request, response) => {
      setTimeout(() => response.end("<DeleteResult/>"), 600);
    });
    const { lane } = laneOf(late, { timeouts: quick });
    const body = Buffer.from(`<Delete>${"<Object><Key>a</Key></Object>".repeat(1200)}</Delete>`);
    const removal = { method: "POST", query: { delete: "" }, body } as const;
    await expect(lane.send(removal)).resolves.toMatchObject({ attempts: 1 });
    const large = { method: "PUT", key: "a", body: Buffer.alloc(128 * 1024) } as const;
    await expect(lane.send(large)).resolves.toMatchObject({ attempts: 1 });
  });
});

describe("a listing for which nobody waits at once", () => {
  const listing = { method: "GET", query: { "list-type": "2" }, isPatient: true } as const;

  test("has the time that a store may need for it", async () => {
    const late = await plainServerOfTest((_request, response) => {
      setTimeout(() => response.end("<ListBucketResult/>"), 600);
    });
    const { lane } = laneOf(late, {
      timeouts: { quickHeadersMs: 200, quickTotalMs: 300, headersMs: 60_000 },
    });
    await expect(lane.send(listing)).resolves.toMatchObject({ attempts: 1 });
  });

  test("is given up after two attempts", async () => {
    let requests = 0;
    const silent = await plainServerOfTest(() => void requests++);
    const { lane } = laneOf(silent, { timeouts: { quickHeadersMs: 50, quickTotalMs: 60, headersMs: 300 } });
    await expect(lane.send(listing)).rejects.toMatchObject({ attempts: 2, cause: { code: SILENCE } });
    expect(requests).toBe(2);
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
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    for (const key of ["b", "c"]) await putText(lane, key, "content of an object that can be cut");
    s3.options.faults = faultsByPlan([{ fault, times: 2 }]);
    const answer = await lane.send(operations[kind as keyof typeof operations]);
    expect(answer.attempts).toBe(fault === "slow-body" ? 1 : 3);
    const objects = s3.objects("registry");
    expect([...objects.keys()].sort().join()).toBe(
      { "PUT object": "a,b,c", "DELETE many": "b", "COPY object": "b,c,d" }[kind] ?? "b,c",
    );
  });

  test("end after so many retries with what the store says last", async () => {
    const s3 = await s3ServerOfTest({ faults: () => "slow-down" });
    const { lane, pauses } = laneOf(s3, { random: () => 1 }, 3);
    await expect(putText(lane, "a", "1")).rejects.toMatchObject({
      status: 503,
      code: "SlowDown",
      attempts: 4,
    });
    expect(pauses).toEqual([500, 1000, 2000]);
  });

  test("end at once where another cannot help", async () => {
    const s3 = await s3ServerOfTest();
    const { lane } = laneOf(s3);
    await expect(getText(lane, "missing")).rejects.toMatchObject({ status: 404, code: "NoSuchKey" });
    expect(s3.count("GetObject")).toBe(1);
  });

  test("tell whether a condition failed over an effect of our own", async () => {
    const s3 = await s3ServerOfTest({ faults: faultsByPlan([{ fault: "reset-after" }]) });
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
      await plainServerOfTest((_request, response) => {
        requests += 1;
        if (requests > 1) response.end("ok");
        else response.writeHead(503, { "retry-after": "7" }).end();
      }),
    );
    expect(await getText(lane, "a")).toBe("ok");
    expect(pauses).toEqual([7000]);
  });

  test("end in a connection error that says how many there were, if nobody listens", async () => {
    const gone = await plainServerOfTest(() => undefined);
    await new Promise((resolve) => gone.server.close(resolve));
    const error = await putText(laneOf(gone, {}, 2).lane, "a", "1").catch((thrown: unknown) => thrown);
    expect(error).toBeInstanceOf(S3ConnectionError);
    expect(error).toMatchObject({ attempts: 3, cause: { code: "ECONNREFUSED" } });
  });

  test("end in a connection error if what answers is no store", async () => {
    const { lane } = laneOf(
      await plainServerOfTest((_request, response) => response.end("<html><p>hello</html>")),
      {},
      1,
    );
    const listing = lane.send({ method: "GET", query: { "list-type": "2" } });
    await expect(listing).rejects.toThrow(S3ConnectionError);
  });

  test("give up a server that does not answer", async () => {
    const s3 = await s3ServerOfTest({ faults: faultsByPlan([{ fault: "stalled" }]) });
    const { lane } = laneOf(s3, { timeouts: { headersMs: 300, bodyMs: 300 } });
    expect(await putText(lane, "a", "1")).toMatchObject({ attempts: 2 });
  });

  test("take up with keep-alive connections that the server has closed", async () => {
    const s3 = await plainServerOfTest((_request, response) => {
      response.end("ok");
      setImmediate(() => response.socket?.destroy());
    });
    const { lane } = laneOf(s3);
    for (let request = 0; request < 5; request++) expect(await getText(lane, "a")).toBe("ok");
  });
});

test("the user agent of the configuration goes with both lanes", async () => {
  const s3 = await s3ServerOfTest();
  const store = createS3Store(s3.settings("registry", { userAgent: "our registry/1" }));
  await putText(store.lane, "a", "1");
  await (await store.sdk()).send(new HeadObjectCommand({ Bucket: "registry", Key: "a" }));
  expect(s3.requests.map(({ headers }) => headers["user-agent"])).toEqual([
    "our registry/1",
    "our registry/1",
  ]);
  await putText(laneOf(s3).lane, "a", "1");
  expect(s3.requests.at(-1)?.headers["user-agent"]).toBe("registry-ctl");
});

test("a HEAD leaves its connection for other requests", async () => {
  let connections = 0;
  const s3 = await plainServerOfTest((_request, response) => response.end());
  s3.server.on("connection", () => {
    connections += 1;
  });
  const { lane } = laneOf(s3);
  for (let request = 0; request < 10; request++) await lane.send({ method: "HEAD", key: "a" });
  // The next request may come just before the connection is free.
  expect(connections).toBeLessThanOrEqual(2);
});
