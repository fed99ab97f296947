import { parseArgs } from "node:util";
import { CEPH_VERSIONS, type CephVersion } from "./ceph-versions.ts";
import { startRgw } from "./start-rgw.ts";

/*
 * Keeps a gateway running until it gets SIGINT or SIGTERM, for a look by hand or to spare test runs the start:
 *
 *   npx tsx test/support/ceph/start.ts 18.2 --port 7480
 *   REGISTRY_CTL_TEST_RGW=18.2=http://127.0.0.1:7480 npm test
 */
const { values, positionals } = parseArgs({
  allowPositionals: true,
  options: {
    port: { type: "string", default: "7480" },
    "capacity-gib": { type: "string", default: "8" },
    bluestore: { type: "boolean", default: false },
  },
});
const rgw = await startRgw(versionOf(positionals[0] ?? CEPH_VERSIONS[0]), {
  port: Number(values.port),
  capacityGib: Number(values["capacity-gib"]),
  objectStore: values.bluestore ? "bluestore" : "memstore",
});
process.stdout.write(`RGW ${rgw.version} at ${rgw.endpoint}, keys ${rgw.accessKey} ${rgw.secretKey}\n`);
for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const)
  process.on(signal, () => void rgw.stop().then(() => process.exit()));

function versionOf(text: string): CephVersion {
  const version = CEPH_VERSIONS.find((known) => known === text);
  if (version === undefined) throw new Error(`expected one of ${CEPH_VERSIONS.join(", ")}, got ${text}`);
  return version;
}
