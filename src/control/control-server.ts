import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { RegistryCtlError, UsageError } from "../errors.ts";
import { readWhole } from "./body.ts";
import { NO_COLLECTION } from "./control-client.ts";
import { toErrorBody } from "./error-body.ts";
import type { CollectionEvent, Control } from "./protocol.ts";
import {
  parseCollectionRequest,
  parseLogLevel,
  parseNamesRequest,
  parseReadOnlyRequest,
  parseTagSetRequest,
} from "./requests.ts";

/** What answers one kind of request: with a value for JSON, or by writing the answer itself. */
type Endpoint = (control: Control, exchange: ControlExchange) => Promise<unknown>;

interface ControlExchange {
  query: URLSearchParams;
  /** @throws {UsageError} if it is no JSON */
  body(): Promise<unknown>;
  response: ServerResponse;
}

/** The answer has been written already. */
const WRITTEN = Symbol("written");

const ENDPOINTS: Readonly<Record<string, Endpoint>> = {
  "GET /status": (control) => control.status(),
  "POST /reload": (control, { query }) => (query.has("dryRun") ? control.previewReload() : control.reload()),
  "POST /reload/undo": (control) => control.undoReload(),
  "POST /restart": (control) => control.restart(),
  "POST /stop": (control) => control.stop(),
  "POST /read-only": async (control, { body }) => control.setReadOnly(parseReadOnlyRequest(await body())),
  "POST /caches/flush": (control) => control.flushCaches(),
  "POST /names/hold": async (control, { body, response }) => {
    const gone = new AbortController();
    const closed = new Promise<void>((resolve) => response.once("close", resolve));
    void closed.then(() => gone.abort());
    const held = await control.holdNames(parseNamesRequest(await body()), gone.signal);
    // Nobody else can release them: they are held as long as this is open.
    response.writeHead(200, { "Content-Type": "application/x-ndjson", Connection: "close" });
    response.write(`${JSON.stringify({ type: "held" })}\n`);
    await closed;
    await held.release();
    return WRITTEN;
  },
  "POST /log-level": async (control, { body }) => control.setLogLevel(parseLogLevel(await body())),
  "POST /tags": async (control, { body }) => control.setTag(parseTagSetRequest(await body())),
  "POST /collection": async (control, { body, response }) => {
    const request = parseCollectionRequest(await body());
    const events = new EventStream(response);
    return events.endWith(control.collect(request, (event) => events.write(event)));
  },
  "GET /collection": async (control, { response }) => {
    const events = new EventStream(response);
    const followed = control.followCollection((event) => events.write(event));
    if (await events.begunOr(followed)) return events.endWith(followed);
    throw new RegistryCtlError(NO_COLLECTION, "no collection is under way");
  },
  "DELETE /collection": async (control) => ({ found: await control.stopCollection() }),
};

/**
 * Makes the server of the control socket, which is not listening yet. Whoever may open the socket may ask for everything:
 * the folder in which it lies decides who that is.
 *
 * @param onError - told what failed unexpectedly
 */
export function createControlServer(control: Control, onError: (error: unknown) => void): Server {
  // Answers may take as long as the slowest drain.
  const server = createServer({ requestTimeout: 0, keepAliveTimeout: 1 }, (request, response) => {
    answer(control, request, response).catch((error: unknown) => {
      if (!(error instanceof RegistryCtlError)) onError(error);
      refuse(response, error);
    });
  });
  server.setTimeout(0);
  return server;
}

async function answer(control: Control, request: IncomingMessage, response: ServerResponse): Promise<void> {
  response.on("error", () => undefined);
  const [path = "", query = ""] = (request.url ?? "").split("?", 2);
  const name = `${request.method} ${path}`;
  const endpoint = Object.hasOwn(ENDPOINTS, name) ? ENDPOINTS[name] : undefined;
  if (endpoint === undefined) {
    throw new RegistryCtlError("ERR_CONTROL", `this server does not know the request ${name}`, {
      hint: "use the release of registry-ctl that the server was started with",
    });
  }
  const body = async (): Promise<unknown> => parseBody(await readWhole(request));
  const result = await endpoint(control, { query: new URLSearchParams(query), body, response });
  if (result !== WRITTEN) respond(response, 200, result ?? {});
}

function refuse(response: ServerResponse, error: unknown): void {
  // The events of a collection end without a last one then, which the other side understands.
  if (response.headersSent) response.destroy();
  else respond(response, error instanceof RegistryCtlError ? 409 : 500, { error: toErrorBody(error) });
}

function respond(response: ServerResponse, status: number, value: unknown): void {
  const text = `${JSON.stringify(value)}\n`;
  response.writeHead(status, {
    "Content-Type": "application/json",
    "Content-Length": Buffer.byteLength(text),
    Connection: "close",
  });
  response.end(text);
}

function parseBody(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new UsageError("the request's body is no JSON", { cause });
  }
}

/** Events as lines of JSON. What nobody reads any more is dropped, and progress for who does not read just now. */
class EventStream {
  readonly #response: ServerResponse;
  #begin: () => void = () => {};
  readonly #begun: Promise<void>;

  constructor(response: ServerResponse) {
    this.#response = response;
    this.#begun = new Promise((resolve) => {
      this.#begin = resolve;
    });
  }

  write(event: CollectionEvent): void {
    const response = this.#response;
    if (response.destroyed || (response.writableNeedDrain && event.type === "progress")) return;
    if (!response.headersSent) {
      response.writeHead(200, { "Content-Type": "application/x-ndjson", Connection: "close" });
      this.#begin();
    }
    response.write(`${JSON.stringify(event)}\n`);
  }

  /** @returns true when there is an event, or what is promised if that comes first */
  begunOr(followed: Promise<boolean>): Promise<boolean> {
    return Promise.race([this.#begun.then(() => true), followed]);
  }

  async endWith(done: Promise<unknown>): Promise<typeof WRITTEN> {
    await done;
    this.#response.end();
    return WRITTEN;
  }
}
