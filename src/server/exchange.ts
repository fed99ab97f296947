import type { Coordination, Pin, PinKey, PinUse } from "./coordination/coordination.ts";
import type { ClientView } from "./external-url.ts";
import type { Route } from "./router.ts";
import type { Wire } from "./wire.ts";

const ORIGIN = /^https?:\/\/[^/?#]*/i;

/**
 * Takes scheme and host off a request's target, which clients of a proxy write there.
 * @see https://www.rfc-editor.org/rfc/rfc9112#section-3.2.2
 */
function withoutOrigin(target: string): string {
  const origin = target.startsWith("/") ? undefined : ORIGIN.exec(target)?.[0];
  if (origin === undefined) return target;
  const rest = target.slice(origin.length);
  return rest.startsWith("/") ? rest : `/${rest}`;
}

/** One request and its answer, with what is to be given back when the answer has left or the client has. */
export class Exchange {
  readonly wire: Wire;
  readonly method: string;
  /** The request's path as sent, without origin and query. */
  readonly path: string;
  /** Empty for a Unix socket. */
  readonly clientAddress: string;
  /** Where the request goes; a root route until the router has spoken. */
  route: Route = { kind: "root", name: "", reference: "" };
  /** Who sends it, as access control has found out; undefined: nobody was asked. */
  user: string | undefined;
  /** Bytes of the answer's body that were given to the connection. */
  sentBytes = 0;
  readonly #coordination: Coordination;
  readonly #queryText: string;
  #query: URLSearchParams | undefined;
  #abort: AbortController | undefined;
  #pins: Pin[] = [];
  #leased = false;
  #closed = false;
  #timer: NodeJS.Timeout | undefined;
  #released = false;
  #awaitsContinue: boolean;

  /** @param awaitsContinue - the client sent `Expect: 100-continue` and has not been told to go on */
  constructor(wire: Wire, coordination: Coordination, awaitsContinue: boolean) {
    const url = withoutOrigin(wire.target);
    const question = url.indexOf("?");
    this.wire = wire;
    this.method = wire.method;
    this.path = question < 0 ? url : url.slice(0, question);
    this.clientAddress = wire.clientAddress;
    this.#queryText = question < 0 ? "" : url.slice(question + 1);
    this.#coordination = coordination;
    this.#awaitsContinue = awaitsContinue;
  }

  /** The parameters behind `?`. */
  get query(): URLSearchParams {
    this.#query ??= new URLSearchParams(this.#queryText);
    return this.#query;
  }

  /** Aborted when the answer has left, or the client goes before it. */
  get signal(): AbortSignal {
    this.#abort ??= new AbortController();
    if (this.#closed) this.#abort.abort();
    return this.#abort.signal;
  }

  /** The answer has left, or nobody waits for it any more. */
  get closed(): boolean {
    return this.#closed;
  }

  /** The request has a body that the client holds back until it is told to go on. */
  get awaitsContinue(): boolean {
    return this.#awaitsContinue;
  }

  /** What decides the URLs that this client is given. */
  get client(): ClientView {
    return { headers: this.wire.headers, encrypted: this.wire.encrypted };
  }

  /** The first line of a header, as a string. */
  header(name: string): string | undefined {
    const value = this.wire.headers[name];
    return Array.isArray(value) ? value.join(", ") : value;
  }

  /** Tells a client that waits for it to send the body. */
  invite(): void {
    if (!this.#awaitsContinue) return;
    this.#awaitsContinue = false;
    this.wire.invite();
  }

  /**
   * Pins keys until the exchange is over. To be called before the request's first await that relies on them; the
   * result is a promise only if the pins do not hold yet.
   */
  hold(keys: readonly PinKey[], use?: PinUse, content?: string): Pin | Promise<Pin> {
    const pin = this.#coordination.pin(keys, use, content);
    return pin instanceof Promise ? pin.then((held) => this.#keep(held)) : this.#keep(pin);
  }

  /** Notes keys that the client will be told of; see {@link Coordination.lease}. */
  lease(keys: readonly PinKey[]): void {
    this.#leased = true;
    this.#coordination.lease(keys);
  }

  /** Writes the leases, if there are any; to be called before the answer's first byte. */
  flushLeases(): void {
    if (this.#leased) this.#coordination.flushLeases();
  }

  /** Cuts the answer off if the exchange is not over in time. To be called once at the most. */
  endWithin(timeoutMs: number): void {
    if (!this.#closed) this.#timer = setTimeout(() => this.wire.cutAnswer(), timeoutMs);
  }

  /** To be called when the answer has left or the client has. */
  close(): void {
    this.#closed = true;
    clearTimeout(this.#timer);
    this.#abort?.abort();
  }

  /**
   * Gives the pins back. To be called when the handler is done as well: one whose client has gone may still be
   * storing what relies on them.
   */
  release(): void {
    this.#released = true;
    const pins = this.#pins;
    this.#pins = [];
    for (const pin of pins) pin.release();
  }

  #keep(pin: Pin): Pin {
    if (this.#released) pin.release();
    else this.#pins.push(pin);
    return pin;
  }
}
