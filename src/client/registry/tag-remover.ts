import { randomBytes } from "node:crypto";
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
  #way: Promise<Way> | undefined;

  constructor(client: RegistryClient, reader: RegistryReader) {
    this.#client = client;
    this.#reader = reader;
  }

  /**
   * Finds out, once for the registry, how it removes tags: with a tag that nobody has, of which registries that cannot remove
   * tags say the same as of any other.
   *
   * @param repository - in which we may remove something
   * @throws {RegistryStateError} if the registry cannot remove a tag alone
   * @throws {RegistryAnswerError}
   * @throws {CancelledError}
   */
  async prepare(repository: string, signal: AbortSignal | undefined): Promise<void> {
    await this.#find(repository, signal);
  }

  /**
   * @returns `gone` if there was no such tag any more
   * @throws {RegistryStateError} if the registry cannot remove a tag alone; nothing was changed
   * @throws {RegistryAnswerError} if it does not remove this one
   * @throws {CancelledError} before the request was sent
   */
  async remove(
    repository: string,
    tag: string,
    signal: AbortSignal | undefined,
  ): Promise<"removed" | "gone"> {
    const way = await this.#find(repository, signal);
    const { message, status, isRepeated } = await this.#delete(way, repository, tag, signal);
    const code = await answerCodeOf(message);
    if (isDone(status)) return "removed";
    if (status === 404 && !(await this.#isThere(repository, tag, signal))) {
      return isRepeated ? "removed" : "gone";
    }
    throw new RegistryAnswerError(`${this.#client.name} does not remove ${tag} (${answerOf(status, code)})`, {
      status,
    });
  }

  #find(repository: string, signal: AbortSignal | undefined): Promise<Way> {
    this.#way ??= this.#ask(repository, signal).catch((error: unknown) => {
      // Another repository may be one in which we may remove something.
      if (!(error instanceof RegistryStateError)) this.#way = undefined;
      throw error;
    });
    return this.#way;
  }

  async #ask(repository: string, signal: AbortSignal | undefined): Promise<Way> {
    const nobodys = `registry-ctl-probe-${randomBytes(12).toString("hex")}`;
    const { message, status } = await this.#delete("manifests", repository, nobodys, signal);
    const code = await answerCodeOf(message);
    if (isDone(status) || (status === 404 && UNKNOWN.has(code ?? ""))) return "manifests";
    if (![400, 404, 405, 501].includes(status)) {
      const answer = answerOf(status, code);
      throw new RegistryAnswerError(`${this.#client.name} answers ${answer} to the removal of a tag`, {
        status,
      });
    }
    if (await this.#hasGitlabCall(repository, nobodys, signal)) return "tags/reference";
    throw this.#unable(status, code);
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
      isChange: true,
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

  #unable(status: number, code: string | undefined): RegistryStateError {
    const answer = answerOf(status, code);
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

function answerOf(status: number, code: string | undefined): string {
  return code === undefined ? `${status}` : `${status} ${code}`;
}

function isDone(status: number): boolean {
  return status >= 200 && status < 300;
}
