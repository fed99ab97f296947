import type { TestBucket } from "./ceph/test-bucket.ts";
import type { MigrationWorld } from "./migration-world.ts";
import { type ProgramResult, runRegistryCtl } from "./run-registry-ctl.ts";

/** Runs `migrate` from the disk of a world to a bucket of Ceph. */
export function migrateToBucket(
  world: MigrationWorld,
  bucket: Pick<TestBucket, "name" | "endpoint" | "accessKey" | "secretKey">,
  ...flags: string[]
): Promise<ProgramResult> {
  const target = ["--to", "s3", "--bucket", bucket.name, "--endpoint", bucket.endpoint];
  const env = {
    REGISTRY_CTL_TARGET_ACCESSKEY: bucket.accessKey,
    REGISTRY_CTL_TARGET_SECRETKEY: bucket.secretKey,
  };
  const words = [...target, "--set", "forcepathstyle=true", ...flags, ...world.options, world.configPath];
  return runRegistryCtl(["migrate", ...words], { env: { ...world.env, ...env } });
}
