import { RegistryHttp } from "../../test/support/registry-http.ts";

const ACCEPT =
  "application/vnd.oci.image.manifest.v1+json, application/vnd.docker.distribution.manifest.v2+json";

/** Clients that pull at the same time, each as fast as it can. */
const CLIENTS = 4;

/** A manifest with the blobs that it names. */
interface NamedBlobs {
  config: { digest: string };
  layers: { digest: string }[];
}

/**
 * Pulls tags at random until the signal is aborted: the manifest, then its blobs.
 *
 * @param tags - as `repository:tag`
 * @returns how long each pull took, in milliseconds
 * @throws {Error} if one fails
 */
export async function measurePulls(
  url: string,
  tags: readonly string[],
  signal: AbortSignal,
): Promise<number[]> {
  const client = new RegistryHttp(url, { maxSockets: CLIENTS });
  const taken: number[] = [];
  const pullOn = async (): Promise<void> => {
    while (!signal.aborted) {
      const [repository = "", tag = ""] = (tags[Math.floor(Math.random() * tags.length)] ?? "").split(":");
      const startedMs = performance.now();
      await pull(client, repository, tag);
      taken.push(performance.now() - startedMs);
    }
  };
  await Promise.all(Array.from({ length: CLIENTS }, pullOn));
  client.close();
  return taken;
}

async function pull(client: RegistryHttp, repository: string, tag: string): Promise<void> {
  const get = async (path: string): Promise<Buffer> => {
    const { status, body } = await client.send("GET", `/v2/${repository}/${path}`, {
      headers: { accept: ACCEPT },
    });
    if (status !== 200)
      throw new Error(`GET ${repository} ${path} gave ${status}: ${body.toString().slice(0, 200)}`);
    return body;
  };
  const manifest: NamedBlobs = JSON.parse((await get(`manifests/${tag}`)).toString());
  for (const { digest } of [manifest.config, ...manifest.layers]) await get(`blobs/${digest}`);
}
