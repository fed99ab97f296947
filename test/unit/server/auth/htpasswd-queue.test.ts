import { describe, expect, it } from "vitest";
import { HtpasswdQueue } from "../../../../src/server/auth/htpasswd-queue.ts";

/** Work that ends when it is told to. */
function makeJobs(queue: HtpasswdQueue) {
  const started: string[] = [];
  const endings = new Map<string, () => void>();
  const add = (client: string, name: string): Promise<string> =>
    queue.run(
      client,
      () =>
        new Promise<string>((resolve) => {
          started.push(name);
          endings.set(name, () => resolve(name));
        }),
    );
  const end = async (name: string): Promise<void> => {
    endings.get(name)?.();
    await new Promise((resolve) => setImmediate(resolve));
  };
  return { add, end, started };
}

function makeQueue(options = {}): HtpasswdQueue {
  return new HtpasswdQueue({ parallel: 2, waitingOfClient: 3, waiting: 5, ...options });
}

describe("HtpasswdQueue", () => {
  it("works for one client one after another, in order", async () => {
    const { add, end, started } = makeJobs(makeQueue());
    for (const name of ["a1", "a2", "a3"]) void add("a", name);
    expect(started).toEqual(["a1"]);
    await end("a1");
    expect(started).toEqual(["a1", "a2"]);
    await end("a2");
    expect(started).toEqual(["a1", "a2", "a3"]);
  });

  it("lets clients take turns, whoever has asked for more", async () => {
    const { add, end, started } = makeJobs(makeQueue({ parallel: 1 }));
    for (const name of ["a1", "a2", "a3"]) void add("a", name);
    void add("b", "b1");
    void add("c", "c1");
    for (const name of ["a1", "a2", "b1", "c1"]) await end(name);
    expect(started).toEqual(["a1", "a2", "b1", "c1", "a3"]);
  });

  it("does no more at a time than it may", async () => {
    const { add, end, started } = makeJobs(makeQueue());
    for (const client of ["a", "b", "c"]) void add(client, client);
    expect(started).toEqual(["a", "b"]);
    await end("b");
    expect(started).toEqual(["a", "b", "c"]);
  });

  it("gives the result, and goes on after a failure", async () => {
    const queue = makeQueue();
    const failing = queue.run("a", () => Promise.reject(new Error("no")));
    const next = queue.run("a", async () => 7);
    await expect(failing).rejects.toThrow("no");
    expect(await next).toBe(7);
  });

  it("is full for a client with much waiting, and for all when there is too much", async () => {
    const queue = makeQueue();
    const { add, end } = makeJobs(queue);
    for (const name of ["a1", "a2", "a3", "a4"]) void add("a", name);
    expect([queue.isFullFor("a"), queue.isFullFor("b")]).toEqual([true, false]);
    for (const name of ["b1", "b2", "b3"]) void add("b", name);
    expect(queue.isFullFor("c")).toBe(true);
    await end("a1");
    expect(queue.isFullFor("c")).toBe(false);
  });
});
