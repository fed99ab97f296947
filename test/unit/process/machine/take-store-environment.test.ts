import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { afterEach, beforeEach, describe, expect, it, vi } from "vitest";
import { takeStoreEnvironment } from "../../../../src/process/machine/take-store-environment.ts";
import { bucketSettings } from "../../../support/bucket-settings.ts";
import { temporaryFolder } from "../../../support/temporary-folder.ts";

beforeEach(() => {
  vi.stubEnv("AWS_PROFILE", "mine");
  vi.stubEnv("https_proxy", undefined);
});
afterEach(() => vi.unstubAllEnvs());

/** A folder with `service.env`. */
async function serviceFolder(): Promise<string> {
  const folder = await temporaryFolder();
  const text =
    "AWS_PROFILE=registry\nhttps_proxy=http://theirs:3128\nREGISTRY_LOG_LEVEL=debug\nPATH=/nowhere\n";
  await writeFile(join(folder, "service.env"), text);
  return folder;
}

describe("takeStoreEnvironment", () => {
  it("takes what the service has of AWS and of proxies, and nothing else", async () => {
    const cwd = await serviceFolder();
    const path = process.env["PATH"];
    await takeStoreEnvironment(bucketSettings(), ["service.env"], cwd);
    expect(process.env["AWS_PROFILE"]).toBe("registry");
    expect(process.env["https_proxy"]).toBe("http://theirs:3128");
    expect([process.env["PATH"], process.env["REGISTRY_LOG_LEVEL"]]).toEqual([path, undefined]);
  });

  it("takes no other keys where the configuration has some", async () => {
    const cwd = await serviceFolder();
    const credentials = { accessKey: "a", secretKey: "b", sessionToken: "" };
    await takeStoreEnvironment(bucketSettings({ credentials }), ["service.env"], cwd);
    expect(process.env["AWS_PROFILE"]).toBe("mine");
    expect(process.env["https_proxy"]).toBe("http://theirs:3128");
  });

  it("leaves the environment alone where nobody asks for it, or the store is another one", async () => {
    const cwd = await serviceFolder();
    await takeStoreEnvironment({ driver: "inmemory" }, ["service.env"], cwd);
    await takeStoreEnvironment(bucketSettings(), [], cwd);
    expect([process.env["AWS_PROFILE"], process.env["https_proxy"]]).toEqual(["mine", undefined]);
  });
});
