import { addAbortSignal, Readable } from "node:stream";
import type { FileWriter, StorageDriver } from "../../driver.ts";
import { countsRequests } from "../../object-store-abilities.ts";
import { type StorageMethod, wrapDriver } from "../wrap-driver.ts";

/** What has been asked of a driver so far. */
export interface StorageCounts {
  /** Calls by method, failed ones included. */
  calls: Partial<Record<StorageMethod, number>>;
  readBytes: number;
  writtenBytes: number;
  /** Requests of the driver since it was opened, by kind, where it counts them; each attempt counts. */
  readonly requests: Readonly<Record<string, number>> | undefined;
}

const WHOLE_WRITES = new Set<StorageMethod>(["put", "putOver", "putIfAbsent"]);

/** Counts the calls and bytes of a driver into `counts`, which stays readable all the time. */
export function countDriver(inner: StorageDriver): { driver: StorageDriver; counts: StorageCounts } {
  const requests = countsRequests(inner) ? inner.requests : undefined;
  const counts: StorageCounts = { calls: {}, readBytes: 0, writtenBytes: 0, requests };
  const count = (method: StorageMethod) => {
    counts.calls[method] = (counts.calls[method] ?? 0) + 1;
  };
  const countRead = (result: unknown) => {
    if (result instanceof Uint8Array) counts.readBytes += result.length;
  };
  const driver = wrapDriver(inner, {
    call: async (call, run) => {
      count(call.method);
      const result = await run();
      countRead(result);
      if (WHOLE_WRITES.has(call.method)) counts.writtenBytes += call.amount ?? 0;
      return result;
    },
    callSync: (call, run) => {
      count(call.method);
      const result = run();
      countRead(result);
      return result;
    },
    iterate: (call, run) => {
      count(call.method);
      return run();
    },
    stream: (stream, signal) => {
      const outer = Readable.from(counted(stream, countRead), { objectMode: false });
      return signal ? addAbortSignal(signal, outer) : outer;
    },
    writer: (_path, writer) => ({
      get sizeBytes() {
        return writer.sizeBytes;
      },
      write: async (chunk) => {
        await writer.write(chunk);
        counts.writtenBytes += chunk.length;
      },
      ...(writer.wholeContent && { wholeContent: () => wholeContentOf(writer) }),
      commit: () => writer.commit(),
      cancel: () => writer.cancel(),
      close: () => writer.close(),
    }),
    opened: (_path, file) => ({
      sizeBytes: file.sizeBytes,
      modifiedMs: file.modifiedMs,
      read: async (buffer, position) => {
        const bytesRead = await file.read(buffer, position);
        counts.readBytes += bytesRead;
        return bytesRead;
      },
      close: () => file.close(),
    }),
  });
  return { driver, counts };
}

async function wholeContentOf(writer: FileWriter): Promise<Uint8Array | undefined> {
  return await writer.wholeContent?.();
}

async function* counted(stream: Readable, count: (chunk: unknown) => void): AsyncGenerator<unknown> {
  for await (const chunk of stream) {
    count(chunk);
    yield chunk;
  }
}
