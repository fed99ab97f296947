import { once } from "node:events";
import {
  type ClientHttp2Session,
  connect,
  type IncomingHttpHeaders,
  type OutgoingHttpHeaders,
  type SecureClientSessionOptions,
} from "node:http2";
import { type Digest, digestOf } from "../../src/oci/digest.ts";

/** What came back on one stream; `status` undefined: no head. */
export interface Http2Answer {
  status: number | undefined;
  headers: IncomingHttpHeaders;
  body: Buffer;
  /** Of the frame that ended the stream: 0 if nothing went wrong. */
  code: number | undefined;
}

/** One connection of HTTP/2. */
export interface Http2Client {
  session: ClientHttp2Session;
  /** Sends a request on a stream of its own. A stream that is reset gives an answer too. */
  send(method: string, path: string, options?: SendOptions): Promise<Http2Answer>;
  close(): Promise<void>;
}

/** What goes with a request. */
export interface SendOptions {
  headers?: OutgoingHttpHeaders;
  body?: string | Uint8Array;
}

/** Connects; any certificate will do. */
export async function http2Client(
  url: string,
  options: SecureClientSessionOptions = {},
): Promise<Http2Client> {
  const session = connect(url, { rejectUnauthorized: false, ...options });
  await once(session, "connect");
  session.on("error", () => undefined);
  return {
    session,
    send: (method, path, more) => send(session, method, path, more),
    close: async () => {
      if (session.destroyed) return;
      session.destroy();
      await once(session, "close");
    },
  };
}

function send(
  session: ClientHttp2Session,
  method: string,
  path: string,
  { headers = {}, body }: SendOptions = {},
): Promise<Http2Answer> {
  return new Promise((resolve) => {
    const stream = session.request(
      { ":method": method, ":path": path, ...headers },
      { endStream: body === undefined },
    );
    let head: IncomingHttpHeaders = {};
    const parts: Buffer[] = [];
    stream.on("response", (got) => {
      head = got;
    });
    stream.on("data", (part: Buffer) => parts.push(part));
    stream.on("error", () => undefined);
    stream.on("close", () => {
      const status = head[":status"];
      resolve({
        status: typeof status === "number" ? status : undefined,
        headers: head,
        body: Buffer.concat(parts),
        code: stream.rstCode,
      });
    });
    if (body !== undefined) stream.end(body);
  });
}

/** Pushes a blob by POST and PUT. */
export async function pushBlobOverHttp2(
  client: Http2Client,
  name: string,
  bytes: Uint8Array,
): Promise<Digest> {
  const digest = digestOf(bytes);
  const start = await client.send("POST", `/v2/${name}/blobs/uploads/`);
  const location = new URL(start.headers.location ?? "", "http://relative");
  location.searchParams.set("digest", digest);
  const finish = await client.send("PUT", location.pathname + location.search, { body: bytes });
  if (finish.status !== 201) throw new Error(`pushing gave ${finish.status}: ${finish.body.toString()}`);
  return digest;
}
