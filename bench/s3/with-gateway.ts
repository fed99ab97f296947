import type { CephVersion } from "../../test/support/ceph/ceph-versions.ts";
import { type RgwAddress, startRgw } from "../../test/support/ceph/start-rgw.ts";

/** Memory that a gateway takes for objects comes back late, or never: none lives for long. */
const CAPACITY_GIB = 12;

/**
 * Starts a gateway that keeps everything in memory, for as long as `body` takes.
 *
 * @throws {Error} if it does not start
 */
export async function withGateway<Result>(
  version: CephVersion,
  body: (rgw: RgwAddress) => Promise<Result>,
): Promise<Result> {
  const rgw = await startRgw(version, { capacityGib: CAPACITY_GIB });
  try {
    return await body(rgw);
  } finally {
    await rgw.stop();
  }
}
