import type { IncomingMessage } from "node:http";
import { CancelledError } from "../../errors.ts";
import { messageOf } from "../../lib/message-of.ts";
import type { Digest } from "../../oci/digest.ts";
import {
  DOCKER_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
  OCI_INDEX,
  OCI_MANIFEST,
} from "../../oci/media-types.ts";
import { bytesOf, TooLongError } from "./http-request.ts";
import type { RegistryClient } from "./registry-client.ts";
import { RegistryAnswerError } from "./registry-errors.ts";

/** All forms of manifests that we read. */
export const ACCEPTED_MANIFESTS = [
  OCI_INDEX,
  OCI_MANIFEST,
  DOCKER_MANIFEST_LIST,
  DOCKER_MANIFEST,
  DOCKER_SCHEMA1_SIGNED,
  OCI_ARTIFACT,
].join(", ");

/** A transfer that breaks off is begun anew so often. */
const TRANSFERS = 4;

/** Something that a registry may have. */
export interface RegistryContent {
  repository: string;
  /** A manifest may be named by a tag too. */
  reference: Digest | string;
  isManifest: boolean;
}

/** What a registry sends. */
export interface RegistryBody {
  /** To be read to its end, or destroyed. */
  stream: IncomingMessage;
  /** As the answer says; undefined if it does not. */
  sizeBytes: number | undefined;
}

/** What a registry says of something that it has, without sending it. */
export interface RegistryFound {
  /** Undefined if it does not say. */
  sizeBytes: number | undefined;
  /** As `Docker-Content-Digest` says; undefined if it does not. */
  digest: string | undefined;
}

/** Reads blobs and manifests of a registry over its HTTP API. */
export class RegistryReader {
  readonly #client: RegistryClient;

  constructor(client: RegistryClient) {
    this.#client = client;
  }

  /** For people: the address without anything secret. */
  get name(): string {
    return this.#client.name;
  }

  /**
   * @returns what the registry says of something; undefined if it does not have it
   * @throws {RegistryAnswerError}
   * @throws {CancelledError}
   */
  async lookFor(
    content: RegistryContent,
    signal: AbortSignal | undefined,
  ): Promise<RegistryFound | undefined> {
    const message = await this.#ask("HEAD", content, signal);
    message?.resume();
    return message && { sizeBytes: sizeIn(message), digest: digestIn(message) };
  }

  /**
   * @returns the bytes; undefined if the registry does not have them
   * @throws {RegistryAnswerError}
   * @throws {CancelledError}
   */
  async open(content: RegistryContent, signal: AbortSignal | undefined): Promise<RegistryBody | undefined> {
    const stream = await this.#ask("GET", content, signal);
    return stream && { stream, sizeBytes: sizeIn(stream) };
  }

  /**
   * @returns all bytes of something small, not checked against its digest; undefined if the registry does not have it
   * @throws {RegistryAnswerError} also if it is larger, or breaks off again and again
   * @throws {CancelledError}
   */
  async read(
    content: RegistryContent,
    maxBytes: number,
    signal: AbortSignal | undefined,
  ): Promise<Buffer | undefined> {
    for (let attempt = 1; ; attempt++) {
      const message = await this.#ask("GET", content, signal);
      if (message === undefined) return undefined;
      try {
        return await bytesOf(message, maxBytes);
      } catch (cause) {
        message.destroy();
        if (signal?.aborted) throw new CancelledError();
        const isPassing = !(cause instanceof TooLongError);
        if (isPassing && attempt < TRANSFERS) continue;
        throw new RegistryAnswerError(`${this.name} sends ${content.reference}: ${messageOf(cause)}`, {
          ...{ cause, isPassing },
        });
      }
    }
  }

  async #ask(
    method: "GET" | "HEAD",
    { repository, reference, isManifest }: RegistryContent,
    signal: AbortSignal | undefined,
  ): Promise<IncomingMessage | undefined> {
    const { message, status } = await this.#client.send({
      method,
      path: `v2/${repository}/${isManifest ? "manifests" : "blobs"}/${reference}`,
      scope: `repository:${repository}:pull`,
      headers: isManifest ? { accept: ACCEPTED_MANIFESTS } : {},
      signal,
    });
    if (status === 200) return message;
    message.resume();
    if (status === 404) return undefined;
    throw new RegistryAnswerError(`${this.name} answers ${status}`, { status });
  }
}

function sizeIn({ headers }: IncomingMessage): number | undefined {
  const text = headers["content-length"];
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined;
}

function digestIn({ headers }: IncomingMessage): string | undefined {
  const text = headers["docker-content-digest"];
  return typeof text === "string" ? text : undefined;
}
