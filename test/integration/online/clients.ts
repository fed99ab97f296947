import type { Digest } from "../../../src/oci/digest.ts";
import { type Content, MANIFESTS, type ManifestContent } from "./contents.ts";
import type { Oracle } from "./oracle.ts";
import type { World } from "./world.ts";

/** Repositories of a run. */
export const REPOSITORIES = ["app", "lib/base"];
/** Tags of a run. */
export const TAGS = ["v1", "v2", "latest"];
/** A push that was refused because something had gone is tried again so often. */
const TRIES = 3;

/** What a client does; numbers choose by their remainder. */
export type ClientAction =
  | { type: "push"; what: number; repository: number; tag: number | undefined }
  | { type: "retag"; repository: number; from: number; to: number }
  | { type: "pull"; repository: number; tag: number }
  | { type: "delete-tag"; repository: number; tag: number }
  | { type: "delete-manifest"; repository: number; what: number }
  | { type: "delete-blob"; repository: number; what: number };

/** A client that knows nothing of collections: it pushes again what it is told to be missing. */
export class Client {
  readonly #world: World;
  readonly #oracle: Oracle;
  /** What the run finds wrong at once. */
  readonly #wrong: string[];
  #turn: number;

  constructor(world: World, oracle: Oracle, wrong: string[], turn: number) {
    this.#world = world;
    this.#oracle = oracle;
    this.#wrong = wrong;
    this.#turn = turn;
  }

  async run(action: ClientAction): Promise<void> {
    const repository = pick(REPOSITORIES, action.repository);
    switch (action.type) {
      case "push": {
        const tag = action.tag === undefined ? undefined : pick(TAGS, action.tag);
        return void (await this.#push(repository, pick(MANIFESTS, action.what), tag));
      }
      case "retag":
        return this.#retag(repository, pick(TAGS, action.from), pick(TAGS, action.to));
      case "pull":
        await this.#send("GET", `/v2/${repository}/manifests/${pick(TAGS, action.tag)}`);
        // Of an index that no tag leads to, only itself is looked at: what it lists must stay with it.
        await this.#send("GET", `/v2/${repository}/manifests/${pick(MANIFESTS, action.tag).digest}`);
        return;
      case "delete-tag":
        return this.#deleteTag(repository, pick(TAGS, action.tag));
      case "delete-manifest":
        return this.#deleteManifest(repository, pick(MANIFESTS, action.what));
      case "delete-blob":
        return this.#deleteBlob(repository, pick(MANIFESTS, action.what).blobs[0]?.digest);
    }
  }

  /** @returns whether it was acknowledged */
  async #push(repository: string, manifest: ManifestContent, tag: string | undefined): Promise<boolean> {
    for (let tries = 0; tries < TRIES; tries++) {
      for (const blob of manifest.blobs) await this.#pushBlob(repository, blob);
      for (const child of manifest.children) await this.#push(repository, child, undefined);
      const status = await this.#put(repository, manifest, tag);
      if (status === 201) return true;
      if (status !== undefined && status < 500 && status !== 400) this.#wrong.push(`a push got ${status}`);
    }
    return false;
  }

  async #pushBlob(repository: string, blob: Content): Promise<void> {
    const head = await this.#send("HEAD", `/v2/${repository}/blobs/${blob.digest}`);
    if (head?.status === 200) return;
    const other = REPOSITORIES.find((each) => each !== repository) ?? "";
    const mount = `mount=${blob.digest}&from=${other}`;
    const mounted = await this.#send("POST", `/v2/${repository}/blobs/uploads/?${mount}`);
    if (mounted?.status === 201) return;
    await this.#send("POST", `/v2/${repository}/blobs/uploads/?digest=${blob.digest}`, blob);
  }

  async #put(repository: string, manifest: ManifestContent, tag?: string): Promise<number | undefined> {
    const startedAt = this.#oracle.now();
    const note = (endedAt: number, mayComeLate = false): void => {
      if (tag === undefined) return;
      this.#oracle.noteTag({
        repository,
        tag,
        digest: manifest.digest,
        startedAt,
        endedAt,
        mayComeLate,
      });
    };
    const reference = tag ?? manifest.digest;
    const answer = await this.#send("PUT", `/v2/${repository}/manifests/${reference}`, manifest);
    if (answer?.status === 201) {
      note(this.#oracle.now());
      this.#wrong.push(...this.#oracle.missingOf(repository, manifest));
      if (tag !== undefined) this.#oracle.noteReferrers(repository, tag, manifest.digest, startedAt);
    } else if (answer === undefined) note(Number.POSITIVE_INFINITY, this.#world.options.isRemote);
    else if (answer.status >= 500) note(Number.POSITIVE_INFINITY);
    return answer?.status;
  }

  async #retag(repository: string, from: string, to: string): Promise<void> {
    const answer = await this.#send("GET", `/v2/${repository}/manifests/${from}`);
    const manifest = MANIFESTS.find(({ digest }) => digest === answer?.headers["Docker-Content-Digest"]);
    if (answer?.status === 200 && manifest) await this.#put(repository, manifest, to);
  }

  async #deleteTag(repository: string, tag: string): Promise<void> {
    const startedAt = this.#oracle.now();
    const answer = await this.#send("DELETE", `/v2/${repository}/manifests/${tag}`);
    const isDone = answer?.status === 202;
    if (answer !== undefined && answer.status < 500 && !isDone) return;
    const endedAt = isDone ? this.#oracle.now() : Number.POSITIVE_INFINITY;
    this.#oracle.noteTag({ repository, tag, digest: undefined, startedAt, endedAt });
  }

  async #deleteManifest(repository: string, { digest }: ManifestContent): Promise<void> {
    this.#oracle.noteDeleted(repository, digest);
    const startedAt = this.#oracle.now();
    const answer = await this.#send("DELETE", `/v2/${repository}/manifests/${digest}`);
    if (answer !== undefined && answer.status < 500 && answer.status !== 202) return;
    const endedAt = answer?.status === 202 ? this.#oracle.now() : Number.POSITIVE_INFINITY;
    for (const tag of TAGS) {
      this.#oracle.noteTag({ repository, tag, digest: undefined, startedAt, endedAt, ifPointingTo: digest });
    }
  }

  async #deleteBlob(repository: string, digest: Digest | undefined): Promise<void> {
    if (digest === undefined) return;
    this.#oracle.noteDeleted(repository, digest);
    await this.#send("DELETE", `/v2/${repository}/blobs/${digest}`);
  }

  #send(method: string, target: string, content?: Content): ReturnType<World["request"]> {
    if (content === undefined) return this.#world.request(this.#turn++, method, target);
    const headers = { "content-type": content.mediaType };
    return this.#world.request(this.#turn++, method, target, { headers, body: content.bytes });
  }
}

/** @returns one of several */
export function pick<T>(items: readonly T[], number: number): T {
  const item = items[number % items.length];
  if (item === undefined) throw new Error("nothing to choose from");
  return item;
}
