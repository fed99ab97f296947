import { beforeEach, describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import type { SupervisorMessage } from "../../../../src/process/workers/messages.ts";
import { UploadGrants } from "../../../../src/process/workers/upload-grants.ts";

describe("UploadGrants", () => {
  let sent: { worker: number; message: SupervisorMessage }[];
  let grants: UploadGrants;

  beforeEach(() => {
    sent = [];
    grants = new UploadGrants((worker, message) => sent.push({ worker, message }));
  });

  const granted = (worker: number, id: number) => ({ worker, message: { type: "upload-granted", id } });

  it("keeps apart claims that two workers have given the same number", () => {
    grants.acquire(1, 7, "u");
    grants.acquire(2, 7, "u");
    grants.release(2, 7);
    grants.acquire(2, 8, "v");
    expect(sent).toEqual([granted(1, 7), granted(2, 8)]);
  });

  it("passes an upload on when its worker has closed it or has ended", () => {
    grants.acquire(1, 1, "u");
    grants.acquire(2, 1, "u");
    grants.acquire(1, 2, "u");
    grants.acquire(3, 1, "u");
    grants.release(1, 1);
    grants.workerEnded(2);
    grants.workerEnded(1);
    expect(sent).toEqual([granted(1, 1), granted(2, 1), granted(1, 2), granted(3, 1)]);
  });

  it("tells the next worker, and nobody else, what the last one has hashed", () => {
    const hashed = { sizeBytes: 3, digest: digestOf(Buffer.from("abc")) };
    grants.acquire(1, 1, "u");
    grants.acquire(3, 1, "other");
    grants.release(1, 1, hashed);
    grants.acquire(2, 1, "u");
    grants.release(2, 1);
    grants.acquire(1, 2, "u");
    const told = { worker: 2, message: { type: "upload-granted", id: 1, hashed } };
    expect(sent).toEqual([granted(1, 1), granted(3, 1), told, granted(1, 2)]);
  });

  it("keeps workers from an upload that is held for none of them, unless one of them has it", () => {
    grants.acquire(1, 1, "u");
    expect(grants.holdIfFree("u")).toBeUndefined();
    const release = grants.holdIfFree("v");
    grants.acquire(2, 1, "v");
    grants.workerEnded(1);
    expect(sent).toEqual([granted(1, 1)]);
    release?.();
    expect(sent).toEqual([granted(1, 1), granted(2, 1)]);
    expect(grants.holdIfFree("u")).toBeTypeOf("function");
  });

  it("takes no notice of a claim that it does not know", () => {
    grants.release(1, 1);
    grants.workerEnded(1);
    expect(sent).toEqual([]);
  });
});
