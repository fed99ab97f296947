import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { takeAwsEnvironment } from "../../../src/process/take-aws-environment.ts";
import { bucketSettings } from "../../support/bucket-settings.ts";
import { temporaryFolder } from "../../support/temporary-folder.ts";

beforeEach(() => void vi.stubEnv("AWS_PROFILE", "mine"));
afterEach(() => vi.unstubAllEnvs());

/** A folder with `service.env`. */
async function serviceFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const text = "AWS_PROFILE=registry\nREGISTRY_LOG_LEVEL=debug\nPATH=/nowhere\n";
  await writeFile(join(folder, "service.env"), text);
  return folder;
}

describe("takeAwsEnvironment", () => {
  it("takes what the service has of AWS and nothing else", async () => {
    const cwd = await serviceFolder();
    const path = process.env["PATH"];
    await takeAwsEnvironment(bucketSettings(), ["service.env"], cwd);
    expect(process.env["AWS_PROFILE"]).toBe("registry");
    expect([process.env["PATH"], process.env["REGISTRY_LOG_LEVEL"]]).toEqual([path, undefined]);
  });

  it("leaves the environment alone where the configuration has keys, or the store is another one", async () => {
    const cwd = await serviceFolder();
    const credentials = { accessKey: "a", secretKey: "b", sessionToken: "" };
    await takeAwsEnvironment(bucketSettings({ credentials }), ["service.env"], cwd);
    await takeAwsEnvironment({ driver: "inmemory" }, ["service.env"], cwd);
    await takeAwsEnvironment(bucketSettings(), [], cwd);
    expect(process.env["AWS_PROFILE"]).toBe("mine");
  });
});
