import { once } from "node:events";
import { PassThrough, Readable } from "node:stream";
import { describe, expect, it } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { type ResumingParts, ResumingStream } from "../../../../src/storage/s3/s3-reads-stream.ts";

function streamOf(parts: Partial<ResumingParts> & { first: Readable }): ResumingStream {
  return new ResumingStream({
    sizeBytes: undefined,
    reopen: async () => {
      throw new Error("nobody expected a second body");
    },
    signal: undefined,
    abort: new AbortController(),
    translate: (error) => error,
    ...parts,
  });
}

/** A body that gives some text and breaks off. */
function brokenBody(text: string, error = new Error("reset")): Readable {
  return Readable.from(
    (async function* () {
      if (text !== "") yield Buffer.from(text);
      throw error;
    })(),
  );
}

async function textOf(stream: Readable): Promise<string> {
  return Buffer.concat(await stream.toArray()).toString();
}

describe("a stream that resumes", () => {
  it("asks for the rest where a body broke off", async () => {
    const asked: number[][] = [];
    const stream = streamOf({
      first: brokenBody("012"),
      sizeBytes: 10,
      reopen: async (readBytes, restBytes) => {
        asked.push([readBytes, restBytes]);
        return asked.length === 1 ? brokenBody("34") : Readable.from([Buffer.from("56789")]);
      },
    });
    expect(await textOf(stream)).toBe("0123456789");
    expect(asked).toEqual([
      [3, 7],
      [5, 5],
    ]);
  });

  it("takes a body that ends too early for one that broke off", async () => {
    const stream = streamOf({
      first: Readable.from([Buffer.from("01")]),
      sizeBytes: 4,
      reopen: async () => Readable.from([Buffer.from("23")]),
    });
    expect(await textOf(stream)).toBe("0123");
  });

  it("gives no byte more than there should be", async () => {
    const stream = streamOf({ first: Readable.from([Buffer.from("0123456789")]), sizeBytes: 4 });
    expect(await textOf(stream)).toBe("0123");
  });

  it("does not mind how a body ends that has given everything", async () => {
    expect(await textOf(streamOf({ first: brokenBody("0123"), sizeBytes: 4 }))).toBe("0123");
  });

  it("breaks off where the store has not said how much there is", async () => {
    await expect(textOf(streamOf({ first: brokenBody("01") }))).rejects.toThrow("reset");
  });

  it("gives up behind some bodies without a byte, with the error of the last one", async () => {
    let bodies = 1;
    const stream = streamOf({
      first: brokenBody("0"),
      sizeBytes: 4,
      reopen: async () => brokenBody("", new Error(`reset ${++bodies}`)),
    });
    await expect(textOf(stream)).rejects.toThrow("reset 6");
    expect(bodies).toBe(6);
  });

  it("lets go of the body when it is destroyed or aborted", async () => {
    const left = new PassThrough();
    const abort = new AbortController();
    streamOf({ first: left, sizeBytes: 4, abort }).destroy();
    expect(left.destroyed).toBe(true);
    expect(abort.signal.aborted).toBe(true);

    const cancelled = new PassThrough();
    const user = new AbortController();
    const stream = streamOf({ first: cancelled, sizeBytes: 4, signal: user.signal });
    const failed = once(stream, "error");
    user.abort();
    expect((await failed)[0]).toBeInstanceOf(CancelledError);
    expect(cancelled.destroyed).toBe(true);
  });

  it("lets go of a body that comes when nobody wants it any more", async () => {
    const late = new PassThrough();
    let give: (body: Readable) => void = () => undefined;
    const stream = streamOf({
      first: brokenBody("0"),
      sizeBytes: 4,
      reopen: () => new Promise((resolve) => (give = resolve)),
    });
    await once(stream, "data");
    await new Promise((resolve) => setImmediate(resolve));
    stream.destroy();
    give(late);
    await once(late, "close");
    expect(late.destroyed).toBe(true);
  });
});
