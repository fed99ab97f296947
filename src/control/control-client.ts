import { type IncomingMessage, request } from "node:http";
import { CancelledError, RegistryCtlError, RegistryStateError } from "../errors.ts";
import { readLinesOf } from "./body.ts";
import { fromErrorBody, parseErrorBody } from "./error-body.ts";
import type {
  CollectionEvent,
  CollectionRequest,
  Control,
  NamesHold,
  NamesRequest,
  ReadOnlyAnswer,
  ReadOnlyRequest,
  ReloadAnswer,
  ServerStatus,
  TagSetRequest,
} from "./protocol.ts";

/** What only looks must not hang on a server that has stopped running (SIGSTOP, a dead disk). */
const QUESTION_TIMEOUT_MS = 15_000;

/** One request to the server. */
interface Call {
  method: "GET" | "POST" | "DELETE";
  path: string;
  body?: unknown;
  /** Undefined: as long as it takes. That the server ends is noticed in any case. */
  timeoutMs?: number;
  /** Aborted: nobody waits for the answer any more. */
  signal?: AbortSignal | undefined;
}

/**
 * Speaks to a running server over its socket.
 *
 * @param socketPath - of the server's socket; nothing is opened before something is asked
 */
export function openControlClient(socketPath: string): Control {
  const answer = async (call: Call): Promise<unknown> =>
    parseAnswer(await readAll(await send(socketPath, call)));
  const listen = async (call: Call, onEvent: (event: CollectionEvent) => void): Promise<void> => {
    let ended = false;
    for await (const line of readLinesOf(await send(socketPath, call))) {
      const event = parseEvent(line);
      ended = event.type === "report" || event.type === "failed";
      onEvent(event);
    }
    if (!ended) throw serverGone();
  };
  return {
    status: async () =>
      asStatus(await answer({ method: "GET", path: "/status", timeoutMs: QUESTION_TIMEOUT_MS })),
    reload: async () => asReloadAnswer(await answer({ method: "POST", path: "/reload" })),
    previewReload: async () => asReloadAnswer(await answer({ method: "POST", path: "/reload?dryRun" })),
    undoReload: async () => asReloadAnswer(await answer({ method: "POST", path: "/reload/undo" })),
    restart: async () => void (await answer({ method: "POST", path: "/restart" })),
    stop: async () => void (await answer({ method: "POST", path: "/stop" })),
    setReadOnly: async (body: ReadOnlyRequest) =>
      asReadOnlyAnswer(await answer({ method: "POST", path: "/read-only", body })),
    holdNames: async (body: NamesRequest, signal?: AbortSignal) =>
      openNamesHold(await send(socketPath, { method: "POST", path: "/names/hold", body, signal })),
    flushCaches: async () => void (await answer({ method: "POST", path: "/caches/flush" })),
    setLogLevel: async (level) =>
      void (await answer({ method: "POST", path: "/log-level", body: { level } })),
    setTag: async (body: TagSetRequest) => void (await answer({ method: "POST", path: "/tags", body })),
    collect: (body: CollectionRequest, onEvent) =>
      listen({ method: "POST", path: "/collection", body }, onEvent),
    async followCollection(onEvent) {
      try {
        await listen({ method: "GET", path: "/collection" }, onEvent);
        return true;
      } catch (error) {
        if (error instanceof RegistryCtlError && error.code === NO_COLLECTION) return false;
        throw error;
      }
    },
    async stopCollection() {
      const stopped = await answer({ method: "DELETE", path: "/collection" });
      return isRecord(stopped) && stopped["found"] === true;
    },
  };
}

/** The names are held as long as the answer has not ended. */
async function openNamesHold(response: IncomingMessage): Promise<NamesHold> {
  const lines = readLinesOf(response)[Symbol.asyncIterator]();
  const first = await lines.next();
  if (first.done) throw serverGone();
  let isOver = false;
  const over = (async () => {
    try {
      while (!(await lines.next()).done);
    } catch {
      // It broke off.
    }
    isOver = true;
  })();
  return {
    check() {
      if (!isOver) return;
      throw new RegistryStateError("the server has let go of the names that were held", {
        hint: "it was stopped or has died; start it, then run the same command again",
      });
    },
    async release() {
      response.destroy();
      await over;
    },
  };
}

/** The server's answer to who wants to follow a collection where none is under way. */
export const NO_COLLECTION = "ERR_NO_COLLECTION";

/** @returns the answer, if it is no refusal */
async function send(socketPath: string, call: Call): Promise<IncomingMessage> {
  const response = await begin(socketPath, call);
  if (response.statusCode === 200) return response;
  const body = parseErrorBody(parseAnswer(await readAll(response)));
  throw body === undefined
    ? new RegistryCtlError(
        "ERR_CONTROL",
        `the server answered ${call.method} ${call.path} with ${response.statusCode}`,
      )
    : fromErrorBody(body);
}

function begin(
  socketPath: string,
  { method, path, body, timeoutMs, signal }: Call,
): Promise<IncomingMessage> {
  return new Promise((resolve, reject) => {
    const text = body === undefined ? "" : JSON.stringify(body);
    const headers = { "Content-Type": "application/json", "Content-Length": Buffer.byteLength(text) };
    const sent = request({ socketPath, method, path, headers, agent: false }, resolve);
    if (timeoutMs !== undefined) {
      sent.setTimeout(timeoutMs, () => sent.destroy(new Error(`no answer within ${timeoutMs / 1000} s`)));
    }
    const onAbort = (): void => void sent.destroy(new CancelledError());
    if (signal?.aborted) onAbort();
    signal?.addEventListener("abort", onAbort);
    // Afterwards the answer is its reader's.
    sent.on("response", () => signal?.removeEventListener("abort", onAbort));
    sent.on("error", (cause: NodeJS.ErrnoException) =>
      reject(cause instanceof CancelledError ? cause : unreachable(socketPath, cause)),
    );
    sent.end(text);
  });
}

async function readAll(response: IncomingMessage): Promise<string> {
  const chunks: Buffer[] = [];
  try {
    for await (const chunk of response) chunks.push(chunk);
  } catch (cause) {
    throw serverGone(cause);
  }
  return Buffer.concat(chunks).toString();
}

function unreachable(socketPath: string, cause: NodeJS.ErrnoException): RegistryCtlError {
  switch (cause.code) {
    case "ENOENT":
    case "ECONNREFUSED":
      return new RegistryStateError("the server is not running", { cause, hint: "start it first" });
    case "EACCES":
    case "EPERM":
      return new RegistryStateError(
        `the server's control socket ${socketPath} may not be used by this user`,
        {
          cause,
          hint: "run as the registry's user or as root",
        },
      );
    case "ECONNRESET":
    case "EPIPE":
      return serverGone(cause);
    default:
      return new RegistryCtlError(
        "ERR_CONTROL",
        `the server does not answer on ${socketPath}: ${cause.message}`,
        {
          cause,
          hint: "see its log",
        },
      );
  }
}

function serverGone(cause?: unknown): RegistryCtlError {
  return new RegistryCtlError("ERR_SERVER_GONE", "the server ended before it had answered", {
    hint: "see its log",
    ...(cause === undefined ? {} : { cause }),
  });
}

function parseAnswer(text: string): unknown {
  if (text === "") return undefined;
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new RegistryCtlError("ERR_CONTROL", "the server's answer is no JSON", { cause });
  }
}

function parseEvent(line: string): CollectionEvent {
  const event = parseAnswer(line);
  if (!isRecord(event) || typeof event["type"] !== "string") throw notUnderstood();
  return event as CollectionEvent;
}

function asStatus(value: unknown): ServerStatus {
  if (!isRecord(value) || typeof value["pid"] !== "number" || !isRecord(value["readOnly"]))
    throw notUnderstood();
  return value as unknown as ServerStatus;
}

function asReloadAnswer(value: unknown): ReloadAnswer {
  if (!isRecord(value) || !Array.isArray(value["changed"])) throw notUnderstood();
  return value as unknown as ReloadAnswer;
}

function asReadOnlyAnswer(value: unknown): ReadOnlyAnswer {
  if (!isRecord(value) || !isRecord(value["before"]) || !isRecord(value["now"])) throw notUnderstood();
  return value as unknown as ReadOnlyAnswer;
}

function notUnderstood(): RegistryCtlError {
  return new RegistryCtlError("ERR_CONTROL", "the server's answer is not understood", {
    hint: "use the release of registry-ctl that the server was started with",
  });
}

function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null;
}
