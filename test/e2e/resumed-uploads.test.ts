import { randomBytes } from "node:crypto";
import { join } from "node:path";
import { expect, it } from "vitest";
import { RegistryHttp, sha256 } from "../support/registry-http.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const CHUNK_BYTES = 1_000_003;

it.each(["SIGTERM", "SIGKILL"] as const)(
  "an upload goes on after the server was restarted by %s",
  async (signal) => {
    const rootDirectory = join(await temporaryFolder(), "registry");
    const options = { rootDirectory, moreConfig: "  secret: the-same-after-a-restart\n" };
    const chunks = [randomBytes(CHUNK_BYTES), randomBytes(CHUNK_BYTES), randomBytes(17)];
    const blob = Buffer.concat(chunks);
    let server = await startServe(options);
    const port = Number(new URL(server.url).port);
    let client = new RegistryHttp(server.url);
    try {
      let location = await client.sendChunk(
        await client.startUpload("resumed"),
        blob.subarray(0, CHUNK_BYTES),
        0,
      );
      client.close();

      if (signal === "SIGTERM") await server.stop();
      else await server.kill();
      server = await startWhenPortIsFree({ ...options, port });
      client = new RegistryHttp(server.url);

      const status = await client.send("GET", location);
      expect(status.status).toBe(204);
      expect(status.headers["range"]).toBe(`0-${CHUNK_BYTES - 1}`);
      location = await client.sendChunk(location, blob.subarray(CHUNK_BYTES, 2 * CHUNK_BYTES), CHUNK_BYTES);
      await client.finishUpload(location, sha256(blob), blob.subarray(2 * CHUNK_BYTES));
      const pulled = await client.send("GET", `/v2/resumed/blobs/${sha256(blob)}`);
      expect(pulled.status).toBe(200);
      expect(sha256(pulled.body)).toBe(sha256(blob));
    } finally {
      client.close();
      await server.stop();
    }
  },
);

/** The workers of a killed supervisor hold the port until they have noticed. */
async function startWhenPortIsFree(options: Parameters<typeof startServe>[0]): ReturnType<typeof startServe> {
  for (let attempt = 0; attempt < 20; attempt++) {
    if (!(await answers(options.port))) break;
    await new Promise((resolve) => setTimeout(resolve, 100));
  }
  return startServe(options);
}

async function answers(port: number | undefined): Promise<boolean> {
  return fetch(`http://127.0.0.1:${port}/v2/`).then(
    () => true,
    () => false,
  );
}
