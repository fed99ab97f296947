import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished, vi } from "vitest";
import { bucketTarget, makeMigrationWorld } from "../support/migration-world.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startS3Server } from "../support/s3-server/s3-server.ts";

vi.setConfig({ testTimeout: 120_000 });

describe("migrate from a store whose clock is more than five minutes ahead", () => {
  it("copies nothing, since what is pushed meanwhile could not be told from what was there", async () => {
    const s3 = await startS3Server({ clockSkewMs: 6 * 60_000 });
    onTestFinished(() => s3.close());
    const world = await makeMigrationWorld(2);
    const { options, env } = bucketTarget(s3);
    const filled = await runRegistryCtl(["migrate", ...options, ...world.options, world.configPath], { env });
    expect(filled.exitCode, filled.stderr).toBe(0);
    const config = join(world.folder, "bucket.yml");
    const keys = `bucket: registry\n    regionendpoint: ${s3.endpoint}\n    region: us-east-1\n    forcepathstyle: true`;
    const secrets = `accesskey: ${env["REGISTRY_CTL_TARGET_ACCESSKEY"]}\n    secretkey: ${env["REGISTRY_CTL_TARGET_SECRETKEY"]}`;
    await writeFile(
      config,
      `version: 0.1\nstorage:\n  s3:\n    ${keys}\n    ${secrets}\nhttp:\n  addr: 127.0.0.1:1\n`,
    );
    const back = join(world.folder, "back");
    const target = ["--to", "filesystem", "--rootdirectory", back];
    const { exitCode, stderr } = await runRegistryCtl(["migrate", ...target, ...world.options, config]);
    expect(exitCode).toBe(12);
    expect(stderr).toMatch(/the store's clock .* differ by 3[56]\d seconds/);
    expect(existsSync(join(back, "docker/registry/v2"))).toBe(false);
  });
});
