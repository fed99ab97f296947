import { randomBytes } from "node:crypto";
import { type PushedImage, RegistryHttp } from "./registry-http.ts";

/** What became of some pushes. */
export interface PushResults {
  /** Acknowledged from the first byte to the tag. */
  acknowledged: PushedImage[];
  /** Why the others ended. */
  failures: string[];
}

/** How {@link pushMany} pushes. */
export interface PushPlan {
  /** Part of each tag, so that later rounds push other ones. */
  round: number;
  images: number;
  /** Of each image's one layer; sent in two chunks, of which the second is small. */
  layerBytes: number;
  /** How many at the same time. */
  concurrency: number;
  /** Called after each acknowledged image, with how many there are. */
  onAcknowledged?: (count: number) => void;
}

/** Pushes images of random bytes side by side, each once and without a second try. */
export async function pushMany(url: string, plan: PushPlan): Promise<PushResults> {
  const client = new RegistryHttp(url, { maxSockets: plan.concurrency });
  const results: PushResults = { acknowledged: [], failures: [] };
  let next = 0;
  const pushing = async (): Promise<void> => {
    for (let number = next++; number < plan.images; number = next++) {
      const chunks = [randomBytes(plan.layerBytes), randomBytes(1000)];
      try {
        const repository = `pushed/repo-${number % 5}`;
        results.acknowledged.push(
          await client.pushImage(repository, `round-${plan.round}-${number}`, chunks),
        );
        plan.onAcknowledged?.(results.acknowledged.length);
      } catch (error) {
        results.failures.push(error instanceof Error ? error.message : String(error));
      }
    }
  };
  await Promise.all(Array.from({ length: plan.concurrency }, pushing));
  client.close();
  return results;
}

/** Pulls images by their tags. @throws {Error} if any byte of them is missing or wrong */
export async function expectAllComplete(url: string, images: readonly PushedImage[]): Promise<void> {
  const client = new RegistryHttp(url, { maxSockets: 8 });
  try {
    await Promise.all(images.map((image) => client.expectComplete(image)));
  } finally {
    client.close();
  }
}
