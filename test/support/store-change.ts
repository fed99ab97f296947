import { readFileSync, writeFileSync } from "node:fs";
import type { StorageSettings } from "../../src/config/settings.ts";
import { openDriver } from "../../src/storage/open-driver.ts";
import { RegistryHttp } from "./registry-http.ts";

/** Lines of the `storage` section of a configuration that name a folder. */
export function folderStorage(rootDirectory: string): string {
  return `  filesystem:\n    rootdirectory: ${rootDirectory}\n`;
}

/** Has a configuration name another store: `from` and `to` are lines of it. */
export function nameStore(configPath: string, from: string, to: string): void {
  const text = readFileSync(configPath, "utf8");
  if (!text.includes(from)) throw new Error(`${configPath} has no ${from}`);
  writeFileSync(configPath, text.replace(from, to));
}

/** Copies the content of a registry, as somebody would with a program of the store. */
export async function copyStore(from: StorageSettings, to: StorageSettings): Promise<void> {
  const [source, target] = [await openDriver(from), await openDriver(to)];
  for await (const { path, isFolder } of source.walk("/docker/registry/v2")) {
    if (!isFolder) await target.put(path, await source.get(path));
  }
}

/** What clients were answered that pull all the time. */
export interface PullCounts {
  pulled: number;
  failures: string[];
}

/** Pulls an image again and again, on connections that are kept and on new ones. @returns how to end that */
export function keepPulling(
  url: string,
  image: { repository: string; tag: string; blobDigests: string[] },
  clientsOfEachKind = 4,
): () => Promise<PullCounts> {
  const counts: PullCounts = { pulled: 0, failures: [] };
  let isOver = false;
  const paths = [
    `/v2/${image.repository}/manifests/${image.tag}`,
    ...image.blobDigests.map((digest) => `/v2/${image.repository}/blobs/${digest}`),
  ];
  const pull = async (makeClient: () => RegistryHttp, isKept: boolean): Promise<void> => {
    let client = makeClient();
    while (!isOver) {
      for (const path of paths) {
        try {
          const { status } = await client.send("GET", path, { headers: { accept: "*/*" } });
          if (status === 200) counts.pulled++;
          else counts.failures.push(`${path}: ${status}`);
        } catch (error) {
          counts.failures.push(`${path}: ${error instanceof Error ? error.message : String(error)}`);
        }
        if (isKept) continue;
        client.close();
        client = makeClient();
      }
    }
    client.close();
  };
  const make = (): RegistryHttp => new RegistryHttp(url, { maxSockets: 1 });
  const ended = Promise.all([
    ...Array.from({ length: clientsOfEachKind }, () => pull(make, true)),
    ...Array.from({ length: clientsOfEachKind }, () => pull(make, false)),
  ]);
  return async () => {
    isOver = true;
    await ended;
    return counts;
  };
}
