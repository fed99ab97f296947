import type { TagSetRequest } from "../control/protocol.ts";
import { RegistryStateError } from "../errors.ts";
import { isHeld } from "../lib/held-name.ts";
import { checkRepositoryName, checkTag } from "../oci/reference.ts";
import { ManifestUnknownError } from "../registry/errors.ts";
import {
  findMissingReferences,
  incompleteManifest,
  manifestGone,
  tagMoved,
} from "../registry/missing-references.ts";
import { parseActor } from "../state/actor.ts";
import { auditChanges } from "../state/audit-changes.ts";
import { ApiError } from "./api-error.ts";
import { Exchange } from "./exchange.ts";
import { innerWire } from "./inner-wire.ts";
import { pinClosure } from "./manifest-closure.ts";
import { objectKeys } from "./pin-keys.ts";
import { readManifest } from "./read-manifest.ts";
import type { ServerContext } from "./server-context.ts";
import { storePinned } from "./store-pinned.ts";

/**
 * Points a tag to a manifest of its repository for somebody who looks after the server, in the way of a push of that manifest:
 * all that it needs is pinned before it is looked at, so that no collector takes it meanwhile, and stored again.
 *
 * @throws {RegistryStateError} if the registry is read-only, the manifest or something that it needs lacks, or the tag points
 *   elsewhere by now; nothing is changed then
 */
export async function setTag(context: ServerContext, request: TagSetRequest): Promise<void> {
  const { repository: name, tag } = request;
  checkRepositoryName(name);
  checkTag(tag);
  if (context.readOnly) {
    throw new RegistryStateError("the registry is read-only: no tag can be set", {
      hint: "see registry-ctl readonly status",
    });
  }
  if (isHeld(context.heldNames, name)) {
    throw new RegistryStateError(`${name} is being moved: no tag can be set`, {
      hint: "try again in a moment; registry-ctl move --status shows moves that are not finished",
    });
  }
  const exchange = new Exchange(
    innerWire("PUT", `/v2/${name}/manifests/${tag}`),
    context.coordination,
    false,
  );
  exchange.route = { kind: "manifest", name, reference: tag };
  context.writes.begin(exchange);
  try {
    await setPinned(context, exchange, request);
  } catch (error) {
    throw forCommands(error, request);
  } finally {
    exchange.close();
    exchange.release();
    context.writes.end(exchange);
  }
}

async function setPinned(context: ServerContext, exchange: Exchange, request: TagSetRequest): Promise<void> {
  const { repository: name, tag, digest, before, by } = request;
  const held = exchange.hold(objectKeys(name, digest), "writing");
  if (held instanceof Promise) await held;
  const { audit, registry } = context;
  const ranBy = parseActor(by.ranBy) ?? { uid: 0 };
  const watcher =
    audit && auditChanges((record) => audit.append(record), name, { command: by.command, ranBy });
  const repository = registry.repository(name, watcher);
  const { bytes, manifest } = await readManifest(context, repository, digest);
  const keys = await pinClosure(context, exchange, repository, digest, manifest);
  const missing = await findMissingReferences(repository, digest, manifest);
  if (missing.length > 0) throw incompleteManifest(name, digest, missing);
  const check = async (): Promise<void> => {
    const now = await repository.tags.pointsTo(tag);
    if (now !== before) throw tagMoved(name, tag, now);
  };
  await storePinned(context, exchange, {
    ...{ repository, keys, check },
    input: { bytes, digest, manifest, tags: [tag] },
  });
  context.logger.info("tag set", { repository: name, tag, digest });
}

/** What a client would be told by a status is told in a sentence. */
function forCommands(error: unknown, { repository, tag, digest }: TagSetRequest): unknown {
  if (error instanceof ManifestUnknownError) {
    return manifestGone(repository, digest, error.cause === undefined ? undefined : error.cause);
  }
  if (!(error instanceof ApiError)) return error;
  if (error.key === "MANIFEST_BLOB_UNKNOWN") {
    return new RegistryStateError(
      `manifest ${digest} of ${repository} needs what is damaged: ${error.cause}`,
      {
        cause: error,
        hint: "registry-ctl verify tells what is wrong",
      },
    );
  }
  const detail = error.details[0] === undefined ? "" : ` (${JSON.stringify(error.details[0])})`;
  return new RegistryStateError(`the server did not set ${repository}:${tag}: ${error.message}${detail}`, {
    cause: error,
    hint: "try again in a moment",
  });
}
