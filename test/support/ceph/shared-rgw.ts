import { inject } from "vitest";
import { describeUnlessMissing } from "../programs.ts";
import { CEPH_VERSIONS, type CephVersion, reasonNotToStart } from "./ceph-versions.ts";
import type { RgwAddress } from "./start-rgw.ts";

/** Gateways that run already, as `18.2=URL,16.2=URL`, with the keys that `start.ts` gives its own. */
const RUNNING = new Map(
  (process.env["REGISTRY_CTL_TEST_RGW"] ?? "")
    .split(",")
    .filter(Boolean)
    .map((pair) => [pair.slice(0, pair.indexOf("=")), pair.slice(pair.indexOf("=") + 1)]),
);

/**
 * The gateway that all tests of this run share, started by the first call. A test keeps to buckets of its own and
 * leaves the gateway running; one that has to stop it starts its own.
 *
 * @throws {Error} with the reason if it cannot be started
 */
export async function sharedRgw(version: CephVersion): Promise<RgwAddress> {
  const endpoint = RUNNING.get(version);
  if (endpoint !== undefined)
    return { version, endpoint, accessKey: "testaccess", secretKey: "testsecret1234567890" };
  const answer = await fetch(`${inject("rgwStarter")}/${version}`);
  if (!answer.ok) throw new Error(await answer.text());
  const address: RgwAddress = JSON.parse(await answer.text());
  return address;
}

/**
 * Declares the same tests once for each release of Ceph. Where a release is missing they are skipped, with the reason
 * in their title; in CI they fail instead.
 */
export function describeOnEachRgw(title: string, body: (version: CephVersion) => void): void {
  for (const version of CEPH_VERSIONS)
    describeUnlessMissing(
      RUNNING.has(version) ? undefined : reasonNotToStart(version),
      `${title} on RGW ${version}`,
      () => body(version),
    );
}
