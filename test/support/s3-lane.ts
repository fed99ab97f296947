import { createServer, type RequestListener } from "node:http";
import { onTestFinished } from "vitest";
import type { S3StorageSettings } from "../../src/config/settings.ts";
import { createS3Store, type S3StoreOptions } from "../../src/storage/s3/create-s3-store.ts";
import type { S3Answer, S3Lane } from "../../src/storage/s3/s3-lane.ts";
import { type S3Server, type S3ServerOptions, startS3Server } from "./s3-server/s3-server.ts";
import { s3Settings } from "./s3-server/settings.ts";

/** An S3 server that stops when the test ends. */
export async function s3ServerOfTest(options: S3ServerOptions = {}): Promise<S3Server> {
  const s3 = await startS3Server(options);
  onTestFinished(() => s3.close());
  return s3;
}

/** A lane to the bucket `registry`. Pauses between attempts are left out, and kept for a look. */
export function laneOf(
  s3: Pick<S3Server, "settings">,
  options: S3StoreOptions = {},
  maxRetries = 5,
): { lane: S3Lane; pauses: number[] } {
  const pauses: number[] = [];
  const sleep = (delayMs: number) => {
    pauses.push(delayMs);
    return Promise.resolve();
  };
  const settings = s3.settings("registry", { maxRetries });
  const { lane } = createS3Store(settings, { sleep, random: () => 0, ...options });
  return { lane, pauses };
}

/** Writes an object. */
export function putText(lane: S3Lane, key: string, text: string): Promise<S3Answer> {
  return lane.send({ method: "PUT", key, body: Buffer.from(text) });
}

/** Reads an object. */
export async function getText(lane: S3Lane, key: string): Promise<string> {
  return Buffer.from((await lane.send({ method: "GET", key })).body).toString();
}

/** A server that is no store at all; it stops when the test ends. */
export async function plainServerOfTest(listener: RequestListener) {
  const server = createServer(listener).listen(0, "127.0.0.1");
  onTestFinished(async () => {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  });
  await new Promise((resolve) => server.once("listening", resolve));
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  const endpoint = `http://127.0.0.1:${address.port}`;
  const place = { endpoint, bucket: "registry", region: "us-east-1", accessKey: "a", secretKey: "s" };
  return {
    server,
    settings: (_bucket: string, changes: Partial<S3StorageSettings> = {}) => s3Settings(place, changes),
  };
}
