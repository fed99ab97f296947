import type { Digest } from "../oci/digest.ts";
import type { ManifestInput } from "../registry/manifest-store.ts";
import type { Repository } from "../registry/repository.ts";
import type { PinKey } from "./coordination/coordination.ts";
import type { Exchange } from "./exchange.ts";
import { tagKey, tagStateKey } from "./pin-keys.ts";
import type { ServerContext } from "./server-context.ts";
import { watchUndecided } from "./watch-undecided.ts";

/** A manifest of which all that it relies on is pinned and there. */
export interface PinnedManifest {
  repository: Repository;
  /** What is pinned, to be leased. */
  keys: readonly PinKey[];
  input: ManifestInput;
  /** Called when nobody can remove its tags any more, before anything is written; throws if nothing is to be. */
  check?: () => Promise<void>;
}

/** Stores a manifest and points its tags to it, such that neither a collector nor a removal comes in between. */
export async function storePinned(
  context: ServerContext,
  exchange: Exchange,
  { repository, keys, input, check }: PinnedManifest,
): Promise<void> {
  const { digest, tags } = input;
  const { name } = repository;
  const tagKeys = tags.map((tag) => tagKey(name, tag));
  await holdTags(exchange, tagKeys, digest);
  await check?.();
  // Before it is written: should this process die, or the store answer too late, what is written is known to be wanted.
  const wanted = (): void => {
    exchange.lease(keys);
    exchange.flushLeases();
  };
  wanted();
  const link = `${name}@${digest}`;
  const undecided = watchUndecided(context.registry.driver, [link, ...tagKeys]);
  try {
    await repository.manifests.put(input);
  } finally {
    undecided.end();
    if (undecided.keys.size > 0) {
      wanted();
      // A tag that is still to come needs the manifest.
      await context.coordination.refuse([...new Set([...undecided.keys, link])], digest);
    }
  }
}

/** So that nobody removes a tag between its two links. Last of all pins, so that no removal waits for one that waits. */
async function holdTags(exchange: Exchange, keys: readonly PinKey[], digest: Digest): Promise<void> {
  if (keys.length === 0) return;
  const states = keys.map((key) => tagStateKey(key, digest));
  const pin = exchange.hold([...keys, ...states], "writing", digest);
  if (pin instanceof Promise) await pin;
}
