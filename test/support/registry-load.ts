import { randomBytes } from "node:crypto";
import { setTimeout as sleep } from "node:timers/promises";
import { expectStatus, type PushedImage, RegistryHttp } from "./registry-http.ts";

/** Of every fifth image: more than one part of a large upload. */
const LARGE_BYTES = 6 * 1024 * 1024;
const SMALL_BYTES = 20_000;

/** What clients of one registry have been told, and what they will hold it to. */
export interface RegistryLoad {
  /** Images by `repository:tag` that were acknowledged and not deleted since. */
  readonly acknowledged: ReadonlyMap<string, PushedImage>;
  /** `repository:tag` of what was acknowledged and deleted since, which was acknowledged too. */
  readonly deleted: ReadonlySet<string>;
  readonly pulls: { worked: number; failed: string[] };
  /** Resolves when so many more pushes were acknowledged. */
  untilPushed(more: number): Promise<void>;
  /** Ends the load; what is under way is waited for. */
  stop(): Promise<void>;
}

/**
 * Pushes images one after the other into each repository, moves `latest` to each, deletes every seventh tag again, and pulls what was acknowledged,
 * all of it all the time. A push that is refused was not acknowledged; a pull may never fail.
 */
export function loadRegistry(url: string, repositories: readonly string[]): RegistryLoad {
  const client = new RegistryHttp(url);
  const acknowledged = new Map<string, PushedImage>();
  const deleted = new Set<string>();
  const pulls: RegistryLoad["pulls"] = { worked: 0, failed: [] };
  let pushed = 0;
  let isOver = false;
  const push = async (repository: string): Promise<void> => {
    for (let number = 0; !isOver; number++) {
      const layer = [randomBytes(number % 5 === 4 ? LARGE_BYTES : SMALL_BYTES), randomBytes(1000)];
      // Nobody knows what a request that was not acknowledged has done to the tag.
      const attempt = async (tag: string, work: () => Promise<void>): Promise<void> => {
        const name = `${repository}:${tag}`;
        const before = acknowledged.get(name);
        acknowledged.delete(name);
        await work().catch((error: unknown) => {
          if (before !== undefined && isRefusal(error)) acknowledged.set(name, before);
          return sleep(100);
        });
      };
      for (const tag of [`v${number}`, "latest"]) {
        await attempt(tag, async () => {
          acknowledged.set(`${repository}:${tag}`, await client.pushImage(repository, tag, layer));
          pushed++;
        });
      }
      const old = `v${number - 1}`;
      if (number % 7 === 6 && acknowledged.has(`${repository}:${old}`)) {
        await attempt(old, async () => {
          expectStatus(await client.send("DELETE", `/v2/${repository}/manifests/${old}`), 202);
          deleted.add(`${repository}:${old}`);
        });
      }
      await sleep(250);
    }
  };
  const pull = async (): Promise<void> => {
    while (!isOver) {
      const known = [...acknowledged.entries()].filter(([name]) => !name.endsWith(":latest"));
      const [name, image] = known[Math.floor(Math.random() * known.length)] ?? [];
      if (name !== undefined && image !== undefined) {
        await client.expectComplete(image).then(
          () => pulls.worked++,
          (error: unknown) => acknowledged.get(name) === image && pulls.failed.push(`${name}: ${error}`),
        );
      }
      await sleep(20);
    }
  };
  const work = Promise.all([...repositories.map(push), pull()]);
  return {
    ...{ acknowledged, deleted, pulls },
    async untilPushed(more) {
      for (const wanted = pushed + more; pushed < wanted; ) await sleep(20);
    },
    async stop() {
      isOver = true;
      await work;
      client.close();
    },
  };
}

/** It was answered, and by a registry that has done nothing. */
function isRefusal(error: unknown): boolean {
  return error instanceof Error && / got (405|503):/.test(error.message);
}
