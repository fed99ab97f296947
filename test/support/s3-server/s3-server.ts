import { once } from "node:events";
import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import { setTimeout as sleep } from "node:timers/promises";
import type { S3StorageSettings } from "../../../src/config/settings.ts";
import { decodeBody } from "./body.ts";
import { Bucket, type StoredObject, type StoredUpload } from "./bucket.ts";
import type { FaultKind, Faults } from "./faults.ts";
import { handleRequest } from "./handle-request.ts";
import type { PageLimit } from "./listing.ts";
import type { Habits } from "./objects.ts";
import { errorXml, Refusal, type Reply } from "./reply.ts";
import { type Operation, parseRequest, type ServedRequest } from "./request.ts";
import { sendReply } from "./send-reply.ts";
import { s3Settings } from "./settings.ts";
import { checkPayload, checkSignature } from "./signature.ts";

/** Options of {@link startS3Server}; all of them may be changed while it runs, but for `tls`. */
export interface S3ServerOptions {
  /** Asked for each request; none by default. See `faults.ts`. */
  faults?: Faults | undefined;
  /** What a policy denies: asked for each request; a refusal is answered. */
  policy?: ((request: ServedRequest) => Refusal | undefined) | undefined;
  /** How many keys a page of a listing has, of those that were asked for; all by default. */
  pageLimit?: PageLimit;
  /** Before each request is looked at. */
  latencyMs?: number;
  /** How far the server's clock is ahead. */
  clockSkewMs?: number;
  /** `us-east-1` by default. */
  region?: string;
  /** Buckets are elsewhere: each request is redirected to this region. */
  bucketRegion?: string | undefined;
  accessKey?: string;
  secretKey?: string;
  /** Required of clients, if there is one. */
  sessionToken?: string | undefined;
  /** Answers ExpiredToken to everything. */
  hasExpired?: boolean;
  habits?: Partial<Habits>;
  /** Frames of `aws-chunked` are refused with 411, as by older stores. */
  refusesTrailers?: boolean;
  /** PEM of a certificate: the server speaks TLS. */
  tls?: { key: string; cert: string };
}

/** One request that was served. */
export interface RequestRecord {
  operation: Operation;
  bucket: string;
  key: string;
  headers: Readonly<Record<string, string>>;
  query: URLSearchParams;
  fault: FaultKind | undefined;
  /** 0 if it was never answered. */
  status: number;
}

/** An S3 server in memory, on loopback. */
export interface S3Server {
  readonly endpoint: string;
  readonly options: S3ServerOptions;
  /** All so far, in the order in which they came. Tests may empty it. */
  readonly requests: RequestRecord[];
  /** How many requests of an operation were under way at once at the most. */
  readonly peaks: Map<Operation, number>;
  /** Settings of a driver that works on a bucket; path style and signed by the right key. */
  settings(bucket: string, changes?: Partial<S3StorageSettings>): S3StorageSettings;
  /** A bucket; made at the first call, so that every test may have its own. */
  bucket(name: string): Bucket;
  objects(bucket: string): Map<string, StoredObject>;
  uploads(bucket: string): Map<string, StoredUpload>;
  /** How many requests of an operation there were. */
  count(operation: Operation): number;
  /**
   * Does what requests with the fault `late` have asked for, in their order.
   * @returns how many of them had an effect; the others have been refused
   */
  carryOutLate(): number;
  close(): Promise<void>;
}

const DEFAULT_HABITS: Habits = {
  ignoresConditionalPuts: false,
  hidesCompletedEtag: false,
  minPartBytes: 5 * 1024 * 1024,
  maxCopyBytes: 5 * 1024 ** 3,
};

/** Operations whose answer may turn out an error behind a 200. */
const ANSWERS_LATE: ReadonlySet<Operation> = new Set<Operation>([
  ...(["CopyObject", "UploadPartCopy", "CompleteMultipartUpload", "DeleteObjects"] as const),
]);

/** Starts a server with a bucket named `registry`. */
export async function startS3Server(options: S3ServerOptions = {}): Promise<S3Server> {
  const state = new ServerState({ ...options });
  state.bucket("registry");
  const listener: RequestListener = (message, response) => void state.serve(message, response);
  const { tls } = options;
  const server = tls === undefined ? createServer(listener) : createTlsServer(tls, listener);
  server.listen(0, "127.0.0.1");
  // No connection ends by itself: what is cut is cut by a fault.
  server.keepAliveTimeout = 0;
  await once(server, "listening");
  const address = server.address();
  if (address === null || typeof address === "string") throw new Error("a TCP server has no port");
  const endpoint = `${tls === undefined ? "http" : "https"}://127.0.0.1:${address.port}`;
  return {
    endpoint,
    options: state.options,
    requests: state.requests,
    peaks: state.peaks,
    settings: (bucket, changes) => s3Settings({ endpoint, bucket, ...state.credentials }, changes),
    bucket: (name) => state.bucket(name),
    objects: (name) => state.bucket(name).objects,
    uploads: (name) => state.bucket(name).uploads,
    count: (operation) => state.requests.filter((request) => request.operation === operation).length,
    carryOutLate: () => state.carryOutLate(),
    close: async () => {
      const closed = once(server, "close");
      server.close();
      server.closeAllConnections();
      await closed;
    },
  };
}

class ServerState {
  readonly options: S3ServerOptions;
  readonly requests: RequestRecord[] = [];
  readonly peaks = new Map<Operation, number>();
  readonly #buckets = new Map<string, Bucket>();
  readonly #inFlight = new Map<Operation, number>();
  readonly #late: (() => void)[] = [];
  #lastRequestId = 0;

  constructor(options: S3ServerOptions) {
    this.options = options;
  }

  get credentials() {
    const {
      accessKey = "testaccess",
      secretKey = "testsecret1234567890",
      region = "us-east-1",
    } = this.options;
    return { accessKey, secretKey, region, sessionToken: this.options.sessionToken };
  }

  bucket(name: string): Bucket {
    const bucket = this.#buckets.get(name) ?? new Bucket(name);
    this.#buckets.set(name, bucket);
    return bucket;
  }

  carryOutLate(): number {
    let done = 0;
    for (const carryOut of this.#late.splice(0)) {
      try {
        carryOut();
        done += 1;
      } catch (error) {
        if (!(error instanceof Refusal)) throw error;
      }
    }
    return done;
  }

  async serve(message: IncomingMessage, response: ServerResponse): Promise<void> {
    // A client that goes away in the middle is none of the server's troubles.
    message.on("error", () => {});
    response.on("error", () => {});
    const requestId = `request-${++this.#lastRequestId}`;
    const nowMs = Date.now() + (this.options.clockSkewMs ?? 0);
    response.setHeader("date", new Date(nowMs).toUTCString());
    response.setHeader("x-amz-request-id", requestId);
    let fault: FaultKind | undefined;
    let record: RequestRecord | undefined;
    let reply: Reply;
    const isHead = message.method === "HEAD";
    try {
      const request = parseRequest(message, new Set(this.#buckets.keys()));
      record = this.#record(request);
      this.#enter(request.operation, response);
      const read = await this.#read(request, message);
      if (read === undefined) return;
      this.#admit(read.request, read.rawBody, nowMs);
      const { operation, bucket, key } = request;
      fault = this.options.faults?.({ operation, bucket, key });
      record.fault = fault;
      if (fault === "reset-before") {
        response.destroy();
        return;
      }
      if (fault === "silent") return;
      if (fault === "late") {
        this.#late.push(() => void this.#run(read.request, undefined, Date.now(), requestId));
        response.destroy();
        return;
      }
      reply = this.#run(read.request, fault, nowMs, requestId);
    } catch (error) {
      if (!(error instanceof Refusal)) {
        response.destroy();
        throw error;
      }
      fault = undefined;
      reply = {
        status: error.status,
        headers: { "content-type": "application/xml", ...error.headers },
        body: errorXml(error, requestId),
      };
      if (isHead || error.status === 304) delete reply.body;
    }
    if (record !== undefined && !response.destroyed) record.status = reply.status;
    await sendReply(response, reply, fault, isHead);
  }

  #record({ operation, bucket, key, headers, query }: ServedRequest): RequestRecord {
    const record = { operation, bucket, key, headers, query, fault: undefined, status: 0 };
    this.requests.push(record);
    return record;
  }

  #enter(operation: Operation, response: ServerResponse): void {
    const now = (this.#inFlight.get(operation) ?? 0) + 1;
    this.#inFlight.set(operation, now);
    this.peaks.set(operation, Math.max(now, this.peaks.get(operation) ?? 0));
    response.once("close", () => this.#inFlight.set(operation, (this.#inFlight.get(operation) ?? 1) - 1));
  }

  /** @returns undefined if the body did not come to its end */
  async #read(request: ServedRequest, message: IncomingMessage) {
    if (this.options.latencyMs !== undefined) await sleep(this.options.latencyMs);
    const chunks: Buffer[] = [];
    try {
      for await (const chunk of message) chunks.push(chunk);
    } catch {
      return undefined;
    }
    const rawBody = Buffer.concat(chunks);
    return { request: { ...request, body: decodeBody(request, rawBody) }, rawBody };
  }

  /** @throws {Refusal} unless the request may be served */
  #admit(request: ServedRequest, rawBody: Buffer, nowMs: number): void {
    const { credentials } = this;
    checkSignature(request, { ...credentials, nowMs });
    checkPayload(request, rawBody);
    if (this.options.hasExpired) throw new Refusal(400, "ExpiredToken", "The provided token has expired.");
    if (this.options.refusesTrailers && request.headers["x-amz-content-sha256"]?.startsWith("STREAMING-"))
      throw new Refusal(411, "MissingContentLength");
    if (!this.#buckets.has(request.bucket))
      throw new Refusal(404, "NoSuchBucket", "The specified bucket does not exist");
    const { bucketRegion } = this.options;
    if (bucketRegion !== undefined)
      throw new Refusal(301, "PermanentRedirect", "The bucket must be addressed using another endpoint.", {
        headers: { "x-amz-bucket-region": bucketRegion },
        elements: { Endpoint: `s3.${bucketRegion}.amazonaws.com`, Bucket: request.bucket },
      });
    const refusal = this.options.policy?.(request);
    if (refusal !== undefined) throw refusal;
  }

  #run(request: ServedRequest, fault: FaultKind | undefined, nowMs: number, requestId: string): Reply {
    const isBulk = request.operation === "DeleteObjects";
    if (fault === "slow-down" || (fault === "failing-keys" && !isBulk))
      throw new Refusal(503, "SlowDown", "Please reduce your request rate.");
    const answersLate = ANSWERS_LATE.has(request.operation);
    if (fault === "internal-error" || (fault === "error-in-200" && !answersLate)) throw internalError();
    if (fault === "error-in-200") {
      const body = errorXml(internalError(), requestId);
      return { status: 200, headers: { "content-type": "application/xml" }, body };
    }
    let keys = 0;
    const failingKey = () => (fault === "failing-keys" && keys++ % 3 === 0 ? internalError() : undefined);
    return handleRequest(this.bucket(request.bucket), request, {
      ...{ nowMs, failingKey, region: this.credentials.region },
      habits: { ...DEFAULT_HABITS, ...this.options.habits },
      pageLimit: this.options.pageLimit ?? ((wanted) => wanted),
    });
  }
}

function internalError(): Refusal {
  return new Refusal(500, "InternalError", "We encountered an internal error. Please try again.");
}
