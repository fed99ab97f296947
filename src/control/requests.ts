import type { LogLevel } from "../config/settings.ts";
import { UsageError } from "../errors.ts";
import { isDigest } from "../oci/digest.ts";
import { checkRepositoryName, isRepositoryName, isTag } from "../oci/reference.ts";
import type { TagBefore } from "../registry/change-watcher.ts";
import type { CollectionRequest, NamesRequest, ReadOnlyRequest, TagSetRequest } from "./protocol.ts";

const LOG_LEVELS: readonly LogLevel[] = ["error", "warn", "info", "debug", "trace"];

/** A timer takes no more than 24 days. */
const LONGEST_DRAIN_MS = 7 * 24 * 3_600_000;
/** Longer is as good as for ever, and soon beyond any date. */
const LONGEST_READ_ONLY_MS = 100 * 365 * 24 * 3_600_000;

/** @throws {UsageError} if it is no {@link ReadOnlyRequest} */
export function parseReadOnlyRequest(value: unknown): ReadOnlyRequest {
  const { on, forMs, reason, drainMs, onlyIfReason } = fieldsOf(value);
  if (typeof on !== "boolean" || typeof reason !== "string" || !isDuration(drainMs)) {
    throw new UsageError("a read-only request has on, reason and drainMs");
  }
  if (forMs !== undefined && (!isDuration(forMs) || forMs === 0)) {
    throw new UsageError("forMs is a number of milliseconds above 0");
  }
  if (drainMs > LONGEST_DRAIN_MS) throw new UsageError("writes under way are waited for a week at the most");
  if (forMs !== undefined && forMs > LONGEST_READ_ONLY_MS) {
    throw new UsageError("a time to be read-only ends within a hundred years", {
      hint: "give none where it is to last until it is taken back",
    });
  }
  if (onlyIfReason !== undefined && typeof onlyIfReason !== "string")
    throw new UsageError("onlyIfReason is a text");
  return {
    ...{ on, reason, drainMs },
    ...(forMs === undefined ? {} : { forMs }),
    ...(onlyIfReason === undefined ? {} : { onlyIfReason }),
  };
}

/** @throws {UsageError} if it is no {@link NamesRequest} */
export function parseNamesRequest(value: unknown): NamesRequest {
  const { names, reason, drainMs } = fieldsOf(value);
  if (!Array.isArray(names) || typeof reason !== "string" || !isDuration(drainMs)) {
    throw new UsageError("a request to hold names has names, reason and drainMs");
  }
  if (drainMs > LONGEST_DRAIN_MS) throw new UsageError("writes under way are waited for a week at the most");
  const held = names.map((each) => {
    const { name, isProject } = fieldsOf(each);
    if (typeof name !== "string" || typeof isProject !== "boolean") {
      throw new UsageError("a held name has name and isProject");
    }
    checkRepositoryName(name);
    return { name, isProject };
  });
  return { names: held, reason, drainMs };
}

/** @throws {UsageError} if it is no {@link CollectionRequest} */
export function parseCollectionRequest(value: unknown): CollectionRequest {
  const { options, by } = fieldsOf(value);
  if (!Array.isArray(options) || typeof by !== "string") {
    throw new UsageError("a request for a collection has options and by");
  }
  const texts = options.filter((option): option is string => typeof option === "string");
  if (texts.length !== options.length) throw new UsageError("the options of a collection are texts");
  return { options: texts, by };
}

/** @throws {UsageError} if it is no {@link TagSetRequest} */
export function parseTagSetRequest(value: unknown): TagSetRequest {
  const { repository, tag, digest, before, by } = fieldsOf(value);
  const { command, ranBy } = fieldsOf(by);
  if (typeof repository !== "string" || !isRepositoryName(repository))
    throw new UsageError("a tag is set in a repository");
  if (typeof tag !== "string" || !isTag(tag)) throw new UsageError("what is to be set is no tag");
  if (typeof digest !== "string" || !isDigest(digest)) throw new UsageError("a tag is set to a digest");
  if (!isTagBefore(before) || typeof command !== "string")
    throw new UsageError("a request to set a tag has before and by");
  return { repository, tag, digest, before, by: { command, ranBy } };
}

function isTagBefore(value: unknown): value is TagBefore {
  return value === "none" || value === "unreadable" || (typeof value === "string" && isDigest(value));
}

/** @throws {UsageError} if it is no log level */
export function parseLogLevel(value: unknown): LogLevel {
  const { level } = fieldsOf(value);
  const known = LOG_LEVELS.find((each) => each === level);
  if (known === undefined) throw new UsageError(`a log level is one of ${LOG_LEVELS.join(", ")}`);
  return known;
}

function fieldsOf(value: unknown): Readonly<Partial<Record<string, unknown>>> {
  if (typeof value !== "object" || value === null) throw new UsageError("the request's body is no object");
  return { ...value };
}

function isDuration(value: unknown): value is number {
  return typeof value === "number" && Number.isFinite(value) && value >= 0;
}
