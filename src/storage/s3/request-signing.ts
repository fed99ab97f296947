import { hash } from "node:crypto";
import type { S3StorageSettings } from "../../config/settings.ts";
import { checksumHeaders } from "./checksum-headers.ts";
import type { PreparedRequest } from "./connection-exchange.ts";
import type { CredentialsSource } from "./credentials-source.ts";
import type { EndpointAddress } from "./endpoint-address.ts";
import { countRequest, kindOfRequest } from "./request-counts.ts";
import type { S3Request } from "./s3-lane.ts";
import type { RequestRate } from "./shared-rate.ts";
import { EMPTY_BODY_HASH, RequestSigner, type SigningCredentials } from "./sigv4.ts";
import { uriEncode, uriEncodeKey } from "./uri-encode.ts";

/** What {@link RequestSigning} needs. */
export interface SigningParts {
  settings: S3StorageSettings;
  /** Counted into. */
  requests: Record<string, number>;
  rate: RequestRate;
  credentials: Pick<CredentialsSource, "current" | "load">;
  /** Where the bucket is; asked once. */
  address: () => Promise<EndpointAddress>;
  /** Milliseconds since 1970. */
  now: () => number;
}

/** What every attempt of a request has in common. */
export interface UnsentRequest {
  request: S3Request;
  kind: string;
  path: string;
  query: string;
  headers: Record<string, string>;
  bodyHash: string;
  /** By the attempt before. */
  signedWith: SigningCredentials | undefined;
  /** Where the attempt before went. */
  sentTo: EndpointAddress | undefined;
}

/** Where requests go, and what signs them for it. */
interface Place {
  address: EndpointAddress;
  signer: RequestSigner;
}

const USER_AGENT = "registry-ctl";

/** Makes the lane's requests ready to be sent. */
export class RequestSigning {
  readonly #parts: SigningParts;
  readonly #userAgent: string;
  #place: Place | undefined;
  #finding: Promise<Place> | undefined;

  constructor(parts: SigningParts) {
    this.#parts = parts;
    this.#userAgent = parts.settings.userAgent === "" ? USER_AGENT : parts.settings.userAgent;
  }

  /** Does what is to be done once for all attempts. */
  prepare(request: S3Request): UnsentRequest {
    const { body, key, query } = request;
    const headers: Record<string, string> = { "user-agent": this.#userAgent, ...request.headers };
    Object.assign(headers, checksumHeaders(request, this.#parts.settings.checksums));
    return {
      request,
      kind: kindOfRequest(request),
      path: key === undefined ? "" : `/${uriEncodeKey(key)}`,
      query: query === undefined ? "" : encodedQuery(query),
      headers,
      bodyHash: body === undefined || body.length === 0 ? EMPTY_BODY_HASH : hash("sha256", body, "hex"),
      signedWith: undefined,
      sentTo: undefined,
    };
  }

  /**
   * Makes one attempt ready: waits for its turn, signs and counts it.
   *
   * @param redirected - where it goes instead of where the bucket is
   */
  async sign(unsent: UnsentRequest, redirected?: EndpointAddress): Promise<PreparedRequest> {
    const { rate, credentials, now, requests } = this.#parts;
    const { signer, ...place } = this.#place ?? (await this.#findPlace());
    const address = redirected ?? place.address;
    const { method, body, signal } = unsent.request;
    const turn = rate.take(signal);
    if (turn !== undefined) await turn;
    const key = credentials.current(now()) ?? (await credentials.load(now()));
    unsent.signedWith = key;
    unsent.sentTo = address;
    const path = address.basePath + unsent.path || "/";
    const { query, bodyHash } = unsent;
    const unsigned = { method, host: address.host, path, query, headers: unsent.headers, bodyHash };
    const headers = signer.sign(unsigned, key, now());
    countRequest(requests, unsent.kind);
    return {
      origin: address.origin,
      path: query === "" ? path : `${path}?${query}`,
      ...{ method, headers, body, signal },
    };
  }

  #findPlace(): Promise<Place> {
    this.#finding ??= this.#askForPlace();
    return this.#finding;
  }

  async #askForPlace(): Promise<Place> {
    try {
      const address = await this.#parts.address();
      this.#place = { address, signer: new RequestSigner(address.signingRegion, address.signingName) };
      return this.#place;
    } finally {
      this.#finding = undefined;
    }
  }
}

function encodedQuery(query: Readonly<Record<string, string>>): string {
  const names = Object.keys(query);
  if (names.length > 1) names.sort();
  return names.map((name) => `${uriEncode(name)}=${uriEncode(query[name] ?? "")}`).join("&");
}
