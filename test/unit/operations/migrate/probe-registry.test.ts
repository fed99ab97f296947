import { describe, expect, it } from "vitest";
import { probePush } from "../../../../src/operations/migrate/probe-registry.ts";
import { plainServerOfTest } from "../../../support/s3-lane.ts";

/** A registry that answers the beginnings of uploads with these, one after the other, and then with the last of them. */
async function registryOf(...answers: number[]) {
  const asked: string[] = [];
  const { settings } = await plainServerOfTest(({ method = "" }, response) => {
    asked.push(method);
    const status = method === "DELETE" ? 204 : answers.length > 1 ? answers.shift() : answers[0];
    response.writeHead(status ?? 500, { location: "/v2/a/blobs/uploads/1" }).end();
  });
  const addr = new URL(settings("").endpoint).host;
  return { asked, target: { addr, net: "tcp", prefix: "/", tls: false } as const };
}

describe("probePush", () => {
  it("begins an upload and cancels it", async () => {
    const { asked, target } = await registryOf(202);
    expect(await probePush(target)).toBe("an upload was begun and cancelled");
    expect(asked).toEqual(["POST", "DELETE"]);
  });

  it("waits for a registry that has not seen yet that the lock of a move is gone", async () => {
    const { asked, target } = await registryOf(405, 405, 202);
    expect(await probePush(target)).toBe("an upload was begun and cancelled");
    expect(asked).toEqual(["POST", "POST", "POST", "DELETE"]);
  });

  it("does not wait for ever, nor for anything else", async () => {
    const { target } = await registryOf(405);
    await expect(probePush(target, { patienceMs: 150 })).rejects.toThrow("was answered 405");
    const failing = await registryOf(500, 202);
    await expect(probePush(failing.target)).rejects.toThrow("was answered 500");
  });
});
