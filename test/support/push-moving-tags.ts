import { randomBytes } from "node:crypto";
import { type PushedImage, RegistryHttp } from "./registry-http.ts";

/**
 * Fills a registry with repositories whose tag `latest` has moved on many times.
 *
 * @returns what has a tag in the end; all else is garbage
 */
export async function pushMovingTags(
  url: string,
  { repositories, images }: { repositories: number; images: number },
): Promise<PushedImage[]> {
  const client = new RegistryHttp(url, { maxSockets: 8 });
  const tagged = new Map<string, PushedImage>();
  const fill = async (repository: string): Promise<void> => {
    for (let number = 0; number < images; number++) {
      const tag = number % 10 === 0 ? `v${number}` : "latest";
      tagged.set(`${repository}:${tag}`, await client.pushImage(repository, tag, [randomBytes(2000)]));
    }
  };
  await Promise.all(Array.from({ length: repositories }, (_, index) => fill(`team/repo-${index}`)));
  client.close();
  return [...tagged.values()];
}
