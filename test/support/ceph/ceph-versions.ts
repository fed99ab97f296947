import { accessSync, constants } from "node:fs";
import { homedir } from "node:os";
import { join } from "node:path";

/**
 * The releases of Ceph that tests run against: a current one, and one that answers as many S3-compatible servers still
 * do.
 */
export const CEPH_VERSIONS = ["18.2", "16.2"] as const;

/** A release of Ceph that tests run against. */
export type CephVersion = (typeof CEPH_VERSIONS)[number];

/** The folder that `install-programs.sh` has unpacked a release into: a root for chroot. */
export function cephRoot(version: CephVersion): string {
  const programs =
    process.env["REGISTRY_CTL_TEST_PROGRAMS"] ??
    join(process.env["XDG_CACHE_HOME"] ?? join(homedir(), ".cache"), "registry-ctl-tests");
  return join(programs, `ceph-${version}`);
}

/** @returns what keeps this release from being started here; undefined if nothing does */
export function reasonNotToStart(version: CephVersion): string | undefined {
  try {
    accessSync(join(cephRoot(version), "usr/bin/radosgw"), constants.X_OK);
  } catch {
    return `needs Ceph ${version}: run test/support/install-programs.sh as root`;
  }
  // chroot is root's alone.
  return process.getuid?.() === 0 ? undefined : "needs root";
}
