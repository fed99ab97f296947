import { beforeEach, describe, expect, it } from "vitest";
import { CancelledError } from "../../../../src/errors.ts";
import { digestOf } from "../../../../src/oci/digest.ts";
import type { WorkerMessage } from "../../../../src/process/workers/messages.ts";
import { SupervisedCoordination } from "../../../../src/process/workers/supervised-coordination.ts";
import { LeaseLog } from "../../../../src/state/lease-log.ts";
import { silentLogger } from "../../../support/silent-logger.ts";

const forever = new AbortController().signal;
const LEASED = `sha256:${"a".repeat(64)}`;
const FREE = `sha256:${"b".repeat(64)}`;

describe("SupervisedCoordination", () => {
  let sent: WorkerMessage[];
  let coordination: SupervisedCoordination;

  beforeEach(() => {
    sent = [];
    coordination = new SupervisedCoordination(
      new LeaseLog({ folder: undefined, logger: silentLogger }),
      (message) => sent.push(message),
    );
  });

  it("holds an upload from the supervisor's word until it releases", async () => {
    const waiting = coordination.acquireUpload("u", forever);
    expect(sent).toEqual([{ type: "upload-acquire", id: 1, uuid: "u" }]);
    coordination.receive({ type: "upload-granted", id: 1 });
    const grant = await waiting;
    expect(grant.lost.aborted).toBe(false);
    coordination.receive({ type: "upload-lost", id: 1 });
    expect(grant.lost.aborted).toBe(true);
    grant.release();
    grant.release();
    expect(sent.slice(1)).toEqual([{ type: "upload-release", id: 1 }]);
  });

  it("passes on what is known of an upload", async () => {
    const before = { sizeBytes: 3, digest: digestOf(Buffer.from("abc")) };
    const after = { sizeBytes: 6, digest: digestOf(Buffer.from("abcdef")) };
    const waiting = coordination.acquireUpload("u", forever);
    coordination.receive({ type: "upload-granted", id: 1, hashed: before });
    const grant = await waiting;
    expect(grant.hashed).toEqual(before);
    grant.release(after);
    expect(sent.slice(1)).toEqual([{ type: "upload-release", id: 1, hashed: after }]);
  });

  it("gives the upload back when the grant comes after the request has ended", async () => {
    const request = new AbortController();
    const waiting = coordination.acquireUpload("u", request.signal);
    request.abort();
    await expect(waiting).rejects.toThrow(CancelledError);
    coordination.receive({ type: "upload-granted", id: 1 });
    expect(sent.slice(1)).toEqual([{ type: "upload-release", id: 1 }]);
  });

  it("is busy as long as a request relies on something, also one that waits", () => {
    expect(coordination.isBusy).toBe(false);
    coordination.receive({ type: "slice-propose", slice: 1, keys: [LEASED] });
    const held = coordination.pin([FREE]);
    if (held instanceof Promise) throw new Error("nobody wants to remove it");
    void coordination.pin([LEASED]);
    held.release();
    expect(coordination.isBusy).toBe(true);
    const other = new SupervisedCoordination(undefined, () => {});
    const pin = other.pin([FREE]);
    if (pin instanceof Promise) throw new Error("nobody wants to remove it");
    pin.release();
    expect(other.isBusy).toBe(false);
  });

  it("replies to a slice with what is pinned and leased here", () => {
    coordination.lease([LEASED]);
    void coordination.pin(["repo@x"]);
    coordination.receive({ type: "slice-propose", slice: 5, keys: [LEASED, FREE, "repo@x"] });
    expect(sent).toEqual([{ type: "slice-reply", slice: 5, needed: [LEASED, "repo@x"] }]);
  });

  it("asks the supervisor about a condemned key, and looks again after the slice", async () => {
    coordination.receive({ type: "slice-propose", slice: 5, keys: [FREE] });
    const waiting = coordination.pin([FREE, "other"]);
    expect(sent.at(-1)).toEqual({ type: "pin-question", id: 1, keys: [FREE, "other"] });
    coordination.receive({ type: "pin-answer", id: 1, answer: "wait" });
    coordination.receive({ type: "slice-withdraw", slice: 5 });
    await waiting;
    expect(coordination.pin([FREE])).not.toBeInstanceOf(Promise);
  });
});
