import { RegistryStateError } from "../../errors.ts";
import { answerCodeOf } from "./answer-code.ts";
import type { RegistryClient, RegistryReply } from "./registry-client.ts";
import { RegistryAnswerError } from "./registry-errors.ts";
import type { RegistryReader } from "./registry-reader.ts";

/** By which call a registry removes a tag and nothing else. */
type Way = "manifests" | "tags/reference";

/** A registry that answers so has understood which tag is meant. */
const UNKNOWN = new Set(["MANIFEST_UNKNOWN", "TAG_UNKNOWN", "NAME_UNKNOWN"]);

/**
 * Removes tags over HTTP, by the call of OCI or by GitLab's, and never by the removal of the manifest, which would take all other tags on it
 * along.
 *
 * @see https://github.com/opencontainers/distribution-spec/blob/v1.1.1/spec.md#deleting-tags
 * @see https://gitlab.com/gitlab-org/container-registry/-/blob/master/docs/spec/docker/v2/api.md
 */
export class TagRemover {
  readonly #client: RegistryClient;
  readonly #reader: RegistryReader;
  /** Found out by the first removal, for which all others wait. */
  #way: Promise<Way> | undefined;

  constructor(client: RegistryClient, reader: RegistryReader) {
    this.#client = client;
    this.#reader = reader;
  }

  /**
   * @returns `gone` if there was no such tag any more
   * @throws {RegistryStateError} if the registry cannot remove a tag alone; nothing was changed
   * @throws {RegistryAnswerError} if it does not remove this one
   * @throws {CancelledError}
   */
  async remove(
    repository: string,
    tag: string,
    signal: AbortSignal | undefined,
  ): Promise<"removed" | "gone"> {
    for (let known = this.#way; known; known = this.#way) {
      const way = await known.catch((error: unknown) => {
        if (error instanceof RegistryStateError) throw error;
        return undefined;
      });
      if (way !== undefined) return this.#removeBy(way, repository, tag, signal);
    }
    const first = this.#removeFirst(repository, tag, signal);
    const found = first.then(({ way }) => way);
    this.#way = found;
    // Where it failed for this tag only, the next one finds out.
    found.catch((error: unknown) => {
      if (!(error instanceof RegistryStateError)) this.#way = undefined;
    });
    return (await first).outcome;
  }

  async #removeFirst(
    repository: string,
    tag: string,
    signal: AbortSignal | undefined,
  ): Promise<{ way: Way; outcome: "removed" | "gone" }> {
    const reply = await this.#delete("manifests", repository, tag, signal);
    const { status } = reply;
    const code = await answerCodeOf(reply.message);
    if (isDone(status)) return { way: "manifests", outcome: "removed" };
    const isGone = status === 404 && UNKNOWN.has(code ?? "");
    if (isGone && !(await this.#isThere(repository, tag, signal))) {
      return { way: "manifests", outcome: reply.isRepeated ? "removed" : "gone" };
    }
    if (![400, 404, 405, 501].includes(status)) throw this.#refused(tag, status, code);
    if (!(await this.#hasGitlabCall(repository, tag, signal))) throw this.#unable(status, code);
    const outcome = await this.#removeBy("tags/reference", repository, tag, signal);
    return { way: "tags/reference", outcome };
  }

  async #removeBy(
    way: Way,
    repository: string,
    tag: string,
    signal: AbortSignal | undefined,
  ): Promise<"removed" | "gone"> {
    const { message, status, isRepeated } = await this.#delete(way, repository, tag, signal);
    const code = await answerCodeOf(message);
    if (isDone(status)) return "removed";
    if (status === 404) return isRepeated ? "removed" : "gone";
    throw this.#refused(tag, status, code);
  }

  #delete(
    way: Way,
    repository: string,
    tag: string,
    signal: AbortSignal | undefined,
  ): Promise<RegistryReply> {
    return this.#client.send({
      method: "DELETE",
      path: `v2/${repository}/${way}/${tag}`,
      scope: `repository:${repository}:delete`,
      signal,
    });
  }

  async #isThere(repository: string, tag: string, signal: AbortSignal | undefined): Promise<boolean> {
    const content = { repository, reference: tag, isManifest: true };
    return (await this.#reader.lookFor(content, signal)) !== undefined;
  }

  /** Asked as GitLab itself asks, with a question that changes nothing. Other registries answer 404. */
  async #hasGitlabCall(repository: string, tag: string, signal: AbortSignal | undefined): Promise<boolean> {
    const { message, status } = await this.#client.send({
      method: "OPTIONS",
      path: `v2/${repository}/tags/reference/${tag}`,
      scope: `repository:${repository}:delete`,
      signal,
    });
    message.resume();
    return isDone(status) && /\bDELETE\b/i.test(message.headers.allow ?? "");
  }

  #refused(tag: string, status: number, code: string | undefined): RegistryAnswerError {
    const answer = code === undefined ? `${status}` : `${status} ${code}`;
    return new RegistryAnswerError(`${this.#client.name} does not remove ${tag} (${answer})`, { status });
  }

  #unable(status: number, code: string | undefined): RegistryStateError {
    const answer = code === undefined ? `${status}` : `${status} ${code}`;
    const { name } = this.#client;
    if (status === 405) {
      return new RegistryStateError(`${name} removes nothing now (${answer}); nothing was changed`, {
        hint: "set storage.delete.enabled in its configuration, end its read-only mode, or remove the tags in its storage",
      });
    }
    return new RegistryStateError(
      `${name} cannot remove a tag alone: it answers ${answer}, and has no call of its own for tags, as Docker's registry before version 3. ` +
        "Removing the manifest instead would remove every other tag on it too; nothing was changed",
      {
        hint: "remove the tags in its storage: run the command with the registry's config.yml in the place of --registry",
      },
    );
  }
}

function isDone(status: number): boolean {
  return status >= 200 && status < 300;
}
