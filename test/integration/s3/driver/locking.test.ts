import { describe, expect, it } from "vitest";
import { faultsByPlan } from "../../../support/s3-server/faults.ts";
import { openBucket } from "./driver-under-test.ts";

async function race(
  driver: { putIfAbsent(path: string, content: Uint8Array): Promise<boolean> },
  tries: number,
) {
  const won = await Promise.all(
    Array.from({ length: tries }, (_, who) => driver.putIfAbsent("/lock", Buffer.from(String(who)))),
  );
  return won.flatMap((isWinner, who) => (isWinner ? [String(who)] : []));
}

describe("creating an object exclusively", () => {
  it("tries once whether the store keeps to the condition, and leaves nothing of that", async () => {
    const { s3, bucket, driver } = await openBucket();
    expect(await driver.putIfAbsent("/lock", Buffer.from("a"))).toBe(true);
    expect([...bucket.objects.keys()]).toEqual(["lock"]);
    const { length } = s3.requests;
    await driver.delete("/lock");
    expect(await driver.putIfAbsent("/lock", Buffer.from("a"))).toBe(true);
    // HEAD and DELETE, and the one conditional PUT.
    expect(s3.requests.length).toBe(length + 3);
  });

  it("knows its own object when the answer was lost", async () => {
    const faults = faultsByPlan([{ fault: "reset-after", operation: "PutObject", key: /^lock$/ }]);
    const { bucket, driver } = await openBucket({ faults });
    expect(await driver.putIfAbsent("/lock", Buffer.from("a"))).toBe(true);
    expect(bucket.objects.get("lock")?.body.toString()).toBe("a");
    expect(await driver.putIfAbsent("/lock", Buffer.from("a"))).toBe(false);
  });

  it("lets one of many win on a store that overwrites whatever the condition says", async () => {
    const { bucket, driver } = await openBucket({ habits: { ignoresConditionalPuts: true } });
    const winners = await race(driver, 6);
    expect(winners.length).toBe(1);
    expect([...bucket.objects.keys()]).toEqual(["lock"]);
    expect(bucket.objects.get("lock")?.body.toString()).toBe(winners[0]);
    expect(await race(driver, 3)).toEqual([]);
    expect(bucket.objects.get("lock")?.body.toString()).toBe(winners[0]);
  });

  it("removes the claim of a process that died", async () => {
    const { bucket, driver } = await openBucket({ habits: { ignoresConditionalPuts: true } });
    bucket.put("lock.claims/dead", Buffer.from("x"), Date.now() - 120_000);
    expect(await driver.putIfAbsent("/lock", Buffer.from("a"))).toBe(true);
    expect([...bucket.objects.keys()]).toEqual(["lock"]);
  });
});
