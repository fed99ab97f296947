import type { StorageDriver } from "../../driver.ts";
import { wrapDriver } from "../wrap-driver.ts";
import { Semaphore } from "./semaphore.ts";

/**
 * Bounds how many operations of the driver run at the same time. A stream, a writer or a walk holds a slot only while
 * the store works for it, never while it waits for its user, so that slow clients cannot block others.
 *
 * @param maxOperations - 1 or more
 */
export function limitDriver(inner: StorageDriver, maxOperations: number): StorageDriver {
  const slots = new Semaphore(maxOperations);
  return wrapDriver(inner, {
    call: (_call, run) => slots.run(run),
    iterate: (call, run) => (call.method === "walk" ? stepwise(slots, run()) : run()),
    writer: (_path, writer) => ({
      get sizeBytes() {
        return writer.sizeBytes;
      },
      write: (chunk) => slots.run(() => writer.write(chunk)),
      commit: () => slots.run(() => writer.commit()),
      cancel: () => slots.run(() => writer.cancel()),
      close: () => slots.run(() => writer.close()),
    }),
    opened: (_path, file) => ({
      sizeBytes: file.sizeBytes,
      modifiedMs: file.modifiedMs,
      read: (buffer, position) => slots.run(() => file.read(buffer, position)),
      close: () => file.close(),
    }),
  });
}

async function* stepwise<T>(slots: Semaphore, items: AsyncIterable<T>): AsyncGenerator<T> {
  const iterator = items[Symbol.asyncIterator]();
  try {
    for (;;) {
      const step = await slots.run(() => iterator.next());
      if (step.done) return;
      yield step.value;
    }
  } finally {
    await iterator.return?.();
  }
}
