import { existsSync, readdirSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, expect, it, onTestFinished } from "vitest";
import { findFreePort } from "../support/free-port.ts";
import { RegistryHttp, sha256 } from "../support/registry-http.ts";
import { type ProgramResult, runRegistryCtl } from "../support/run-registry-ctl.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "../support/s3-server/s3-server.ts";
import { startServe, writeServeConfig } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const MEBIBYTE = 1024 * 1024;
const SECRET = "testsecret1234567890";

async function bucketServer(options: S3ServerOptions = {}): Promise<S3Server> {
  const s3 = await startS3Server(options);
  onTestFinished(() => s3.close());
  return s3;
}

function storageOf(
  s3: S3Server,
  options: { driver?: string; redirect?: boolean; keys?: Record<string, string> } = {},
): string {
  const keys = {
    bucket: "registry",
    region: "us-east-1",
    regionendpoint: s3.endpoint,
    accesskey: "testaccess",
    secretkey: SECRET,
    rootdirectory: "/images",
    ...options.keys,
  };
  const lines = Object.entries(keys).map(([name, value]) => `    ${name}: ${value}\n`);
  const redirect = `  redirect:\n    disable: ${options.redirect !== true}\n`;
  return `  ${options.driver ?? "s3"}:\n${lines.join("")}${redirect}`;
}

/** Tries to serve where that cannot work. */
async function failToServe(
  storage: string,
  options: { args?: string[]; env?: Record<string, string> } = {},
): Promise<ProgramResult> {
  const rootDirectory = join(await temporaryFolder(), "registry");
  const configPath = await writeServeConfig({ rootDirectory, storage, port: await findFreePort() });
  const state = ["--state-dir", `${rootDirectory}.state`];
  return runRegistryCtl(["serve", configPath, ...state, ...(options.args ?? [])], { env: options.env ?? {} });
}

describe("serve on a bucket", () => {
  it.each(["s3", "s3_v2"])(
    "takes images by several workers and gives them back, with the driver %s",
    async (driver) => {
      const s3 = await bucketServer();
      const rootDirectory = join(await temporaryFolder(), "registry");
      const server = await startServe({ rootDirectory, storage: storageOf(s3, { driver }), workers: 2 });
      const client = new RegistryHttp(server.url);
      try {
        const chunks = [Buffer.alloc(6 * MEBIBYTE, 1), Buffer.alloc(6 * MEBIBYTE, 2), Buffer.from("end")];
        const image = await client.pushImage("team/app", "v1", chunks);
        await client.expectComplete(image);
        const tags = await client.send("GET", "/v2/team/app/tags/list");
        expect(JSON.parse(tags.body.toString())).toEqual({ name: "team/app", tags: ["v1"] });
        const catalog = await client.send("GET", "/v2/_catalog");
        expect(JSON.parse(catalog.body.toString())).toEqual({ repositories: ["team/app"] });
      } finally {
        client.close();
        await server.stop();
      }
      expect(server.output.stderr).toContain(`${driver} s3://registry/images (at ${s3.endpoint}`);
      expect(server.output.stderr).not.toContain(SECRET);
      const keys = [...s3.objects("registry").keys()];
      expect(keys.filter((key) => !key.startsWith("images/docker/registry/v2/"))).toEqual([]);
      expect(keys.filter((key) => key.includes("/_uploads/"))).toEqual([]);
      expect([...s3.uploads("registry").values()]).toEqual([]);
    },
  );

  it("sends clients to the bucket for blobs, and answers HEAD itself", async () => {
    const s3 = await bucketServer();
    const rootDirectory = join(await temporaryFolder(), "registry");
    const server = await startServe({ rootDirectory, storage: storageOf(s3, { redirect: true }) });
    const client = new RegistryHttp(server.url);
    try {
      const content = Buffer.from("a layer");
      const digest = await client.pushBlob("app", [content]);
      const answer = await client.send("GET", `/v2/app/blobs/${digest}`);
      expect(answer.status).toBe(307);
      const location = new URL(answer.headers.location ?? "");
      expect(location.origin).toBe(s3.endpoint);
      expect(location.searchParams.get("X-Amz-Expires")).toBe("1200");
      const followed = await fetch(location);
      expect(sha256(Buffer.from(await followed.arrayBuffer()))).toBe(digest);
      const head = await client.send("HEAD", `/v2/app/blobs/${digest}`);
      expect([head.status, head.headers["content-length"]]).toEqual([200, String(content.length)]);
    } finally {
      client.close();
      await server.stop();
    }
  });

  it("keeps a limit of requests in the state folder, where commands find it", async () => {
    const s3 = await bucketServer();
    const rootDirectory = join(await temporaryFolder(), "registry");
    const storage = storageOf(s3, { keys: { maxrequestspersecond: "200" } });
    const server = await startServe({ rootDirectory, storage });
    const client = new RegistryHttp(server.url);
    try {
      await client.pushImage("app", "v1", [Buffer.from("layer")]);
    } finally {
      client.close();
      await server.stop();
    }
    const [state] = readdirSync(`${rootDirectory}.state`);
    expect(existsSync(join(`${rootDirectory}.state`, state ?? "", "rate"))).toBe(true);
    const config = `${rootDirectory}.config.yml`;
    const shared = ["--state-dir", `${rootDirectory}.state`];
    const dryRun = await runRegistryCtl(["garbage-collect", "--dry-run", ...shared, config]);
    expect([dryRun.exitCode, dryRun.stderr]).toEqual([0, expect.stringContaining("s3://registry/images")]);
    expect(readdirSync(`${rootDirectory}.state`)).toEqual([state]);
  });

  it("takes keys from the service's environment where the configuration has none", async () => {
    const s3 = await bucketServer();
    const folder = await temporaryFolder();
    const env = join(folder, "service.env");
    await writeFile(env, `AWS_ACCESS_KEY_ID=testaccess\nAWS_SECRET_ACCESS_KEY=${SECRET}\n`);
    const storage = storageOf(s3, { keys: { accesskey: '""', secretkey: '""' } });
    const rootDirectory = join(folder, "registry");
    const configPath = await writeServeConfig({ rootDirectory, storage, port: 1 });
    const verified = await runRegistryCtl(["verify", "--env-from", env, configPath], {
      env: { AWS_EC2_METADATA_DISABLED: "true", HOME: folder },
    });
    expect(verified.exitCode, verified.stderr).toBe(0);
    expect(s3.requests.length).toBeGreaterThan(0);
  });

  it("does not begin without the bucket, and says what to change", async () => {
    const s3 = await bucketServer();
    const failed = await failToServe(storageOf(s3, { keys: { bucket: "absent" } }));
    expect([failed.exitCode, failed.stdout]).toEqual([11, ""]);
    expect(failed.stderr).toMatch(/absent/);
    expect(failed.stderr).not.toContain("listening on");
  });

  it("does not begin with a wrong secret, names the key id and keeps the secret", async () => {
    const s3 = await bucketServer();
    const failed = await failToServe(storageOf(s3, { keys: { secretkey: "example-wrong-secret" } }));
    expect(failed.exitCode).toBe(11);
    expect(failed.stderr).toContain("testaccess");
    expect(failed.stderr).not.toContain("example-wrong-secret");
  });

  it("says that there are no credentials, and where they are looked for", async () => {
    const s3 = await bucketServer();
    const storage = storageOf(s3, { keys: { accesskey: '""', secretkey: '""' } });
    const failed = await failToServe(storage, {
      env: { AWS_EC2_METADATA_DISABLED: "true", HOME: await temporaryFolder() },
    });
    expect(failed.exitCode).toBe(11);
    expect(failed.stderr).toMatch(/credentials/);
  });

  it("is refused where the configuration cannot be meant so", async () => {
    const s3 = await bucketServer();
    const failed = await failToServe(storageOf(s3, { keys: { bucket: "registry/images" } }));
    expect(failed.exitCode).toBe(10);
    expect(failed.stderr).toContain("storage.s3.bucket must be a name without a slash");
    expect(s3.requests).toEqual([]);
  });

  it("shows no secret with config show", async () => {
    const s3 = await bucketServer();
    const rootDirectory = join(await temporaryFolder(), "registry");
    const configPath = await writeServeConfig({ rootDirectory, storage: storageOf(s3), port: 1 });
    for (const more of [[], ["--effective"], ["--json"]]) {
      const { stdout, stderr, exitCode } = await runRegistryCtl(["config", "show", ...more, configPath]);
      expect([exitCode, stdout.includes(SECRET), stderr.includes(SECRET)]).toEqual([0, false, false]);
      expect(stdout).toContain("us-east-1");
    }
  });
});
