import { randomBytes } from "node:crypto";

/** What a cluster of one is set up with. */
export interface CephSetup {
  /** Where it keeps everything, as its processes see it. */
  folder: string;
  fsid: string;
  monitorPort: number;
  gatewayPort: number;
  objectStore: "memstore" | "bluestore";
  /** How much the object store takes. */
  capacityGib: number;
}

const GIBIBYTE = 1024 ** 3;

/** The name of the key with which objects can be encrypted by `aws:kms`. */
export const KMS_KEY_ID = "testkey-1";

/** Under which names processes and commands speak to the cluster. */
const IDENTITIES = ["mon.", "client.admin", "client.rgw.a", "osd.0"] as const;

/**
 * `ceph.conf` of a monitor, an OSD and a gateway that live on loopback alone, keep one copy of everything and log next
 * to nothing.
 *
 * @see https://docs.ceph.com/en/reef/rados/configuration/
 * @see https://docs.ceph.com/en/reef/radosgw/config-ref/
 */
export function cephConfiguration(setup: CephSetup): string {
  const { folder } = setup;
  const bytes = setup.capacityGib * GIBIBYTE;
  const quiet = ["mon", "paxos", "osd", "bluestore", "rocksdb", "rgw", "objecter", "ms", "auth", "monc"];
  return `[global]
fsid = ${setup.fsid}
mon host = v1:127.0.0.1:${setup.monitorPort}
public addr = 127.0.0.1
cluster addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr2 = false
keyring = ${folder}/keyring
run dir = ${folder}
admin socket =
log file = ${folder}/$name.log
crash dir = ${folder}/crash
${quiet.map((part) => `debug ${part} = 0/0`).join("\n")}
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 8
osd pool default pgp num = 8
osd pool default pg autoscale mode = off
osd crush chooseleaf type = 0

[mon]
mon data = ${folder}/mon
mon cluster log file = ${folder}/cluster.log
mon allow pool size one = true
mon max pg per osd = 1000
# The host's disk may well be fuller than Ceph likes it.
mon data avail warn = 1
mon data avail crit = 1
# A map is agreed upon at once where nobody else has a say.
mon tick interval = 1
paxos propose interval = 0.05

[osd]
osd data = ${folder}/osd
osd objectstore = ${setup.objectStore}
memstore device bytes = ${bytes}
bluestore block size = ${bytes}
bluestore block create = true
osd memory target = ${GIBIBYTE}
# The other scheduler measures the disk at each start and holds back by what it found.
osd op queue = wpq

[client.rgw.a]
rgw data = ${folder}/rgw
rgw frontends = beast endpoint=127.0.0.1:${setup.gatewayPort} tcp_nodelay=1
rgw dns name = localhost
rgw thread pool size = 64
rgw run sync thread = false
rgw enable quota threads = false
rgw enable lc threads = false
rgw dynamic resharding = false
# What is deleted gives its memory back soon, not after two hours.
rgw gc obj min wait = 20
rgw gc processor period = 20
rgw gc processor max time = 20
rgw crypt require ssl = false
rgw crypt s3 kms backend = testing
rgw crypt s3 kms encryption keys = ${KMS_KEY_ID}=${Buffer.alloc(32, "k").toString("base64")}
`;
}

/** A keyring in which one key of our own may do everything under each name. */
export function cephKeyring(): string {
  const key = cephKey(randomBytes(16));
  return IDENTITIES.map(
    (name) =>
      `[${name}]\n\tkey = ${key}\n\tcaps mon = "allow *"\n\tcaps osd = "allow *"\n\tcaps mgr = "allow *"\n`,
  ).join("");
}

/**
 * A key as Ceph writes it down: type 1 (AES), the time it was made at, its length and its bytes, in base64.
 *
 * @see https://docs.ceph.com/en/reef/dev/cephx_protocol/
 */
function cephKey(secret: Buffer): string {
  const header = Buffer.alloc(12);
  header.writeUInt16LE(1, 0);
  header.writeUInt32LE(Math.floor(Date.now() / 1000), 2);
  header.writeUInt32LE(0, 6);
  header.writeUInt16LE(secret.length, 10);
  return Buffer.concat([header, secret]).toString("base64");
}
