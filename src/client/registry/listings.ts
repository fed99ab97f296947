import { messageOf } from "../../lib/message-of.ts";
import { isRepositoryName, isTag } from "../../oci/reference.ts";
import { fieldOf } from "./answer-code.ts";
import { bytesOf } from "./http-request.ts";
import { nextPageOf } from "./next-page.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryAnswerError } from "./registry-errors.ts";

/** Entries that are asked for at a time. Registries may give fewer; the Go registry 2.8 gives all tags at once. */
const PAGE_SIZE = 1000;
/** Half a million names of greatest length. */
const MAX_PAGE_BYTES = 64 * 1024 * 1024;

/**
 * @returns the names of the tags in byte order; undefined if there is no such repository
 * @throws {RegistryAnswerError}
 * @throws {CancelledError}
 */
export async function listTagNames(
  client: RegistryClient,
  repository: string,
  signal: AbortSignal | undefined,
): Promise<string[] | undefined> {
  const names = new Set<string>();
  const path = `v2/${repository}/tags/list`;
  for await (const page of pagesOf(client, { path, scope: `repository:${repository}:pull`, signal })) {
    if (page.status === 404) return undefined;
    for (const name of namesIn(client, page.json, "tags")) {
      if (!isTag(name)) throw unusable(client, `a tag that is none: ${JSON.stringify(name.slice(0, 200))}`);
      names.add(name);
    }
  }
  // Tags are ASCII, in which this is the order of bytes.
  return [...names].sort();
}

/**
 * @returns the names of all repositories in byte order
 * @throws {RegistryAnswerError} also where the registry lists them for nobody, or not for us
 * @throws {CancelledError}
 */
export async function listRepositoryNames(
  client: RegistryClient,
  signal: AbortSignal | undefined,
): Promise<string[]> {
  const names = new Set<string>();
  try {
    const pages = pagesOf(client, { path: "v2/_catalog", scope: "registry:catalog:*", signal });
    for await (const page of pages) {
      if (page.status !== 200) throw unlisted(client, page.status);
      for (const name of namesIn(client, page.json, "repositories")) {
        if (!isRepositoryName(name))
          throw unusable(client, `a repository that is none: ${JSON.stringify(name.slice(0, 300))}`);
        names.add(name);
      }
    }
  } catch (error) {
    const isRefused = error instanceof RegistryAnswerError && (error.status === 401 || error.status === 403);
    throw isRefused ? unlisted(client, error.status, error) : error;
  }
  return [...names].sort();
}

interface Page {
  /** 200 or a refusal that is final. */
  status: number;
  json: unknown;
}

async function* pagesOf(
  client: RegistryClient,
  { path, scope, signal }: { path: string; scope: string; signal: AbortSignal | undefined },
): AsyncGenerator<Page> {
  const seen = new Set<string>();
  let at: URL | undefined = new URL(`${path}?n=${PAGE_SIZE}`, client.address);
  while (at) {
    if (seen.has(at.href)) throw unusable(client, `pages in a circle: ${at.pathname}`);
    seen.add(at.href);
    const { message, status } = await client.send({
      ...{ method: "GET", path: at.href, scope, signal },
      headers: { accept: "application/json" },
    });
    if (status !== 200) {
      message.resume();
      if (status !== 404 && path !== "v2/_catalog")
        throw new RegistryAnswerError(`${client.name} answers ${status}`, { status });
      yield { status, json: undefined };
      return;
    }
    const next = nextPageOf([message.headers["link"]].flat().join(", "), at);
    const bytes = await bytesOf(message, MAX_PAGE_BYTES).catch((cause: unknown) => {
      throw unusable(client, `a list that cannot be read: ${messageOf(cause)}`);
    });
    yield { status, json: parse(client, bytes) };
    at = next;
  }
}

function parse(client: RegistryClient, bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString("utf8"));
  } catch {
    throw unusable(client, "a list that is no JSON");
  }
}

/** The Go registry says `null` where there are none. */
function namesIn(client: RegistryClient, json: unknown, field: string): string[] {
  const names = fieldOf(json, field) ?? [];
  if (!Array.isArray(names) || !names.every((name) => typeof name === "string"))
    throw unusable(client, `${field} that are no list of names`);
  return names;
}

function unusable(client: RegistryClient, what: string): RegistryAnswerError {
  return new RegistryAnswerError(`${client.name} gives ${what}`);
}

function unlisted(client: RegistryClient, status: number | undefined, cause?: unknown): RegistryAnswerError {
  return new RegistryAnswerError(`${client.name} does not let us list its repositories (${status})`, {
    ...{ status, cause },
    hint: "name the repositories: many registries list them for administrators only, or for nobody",
  });
}
