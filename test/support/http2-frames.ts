import { connect, type Socket } from "node:net";

/** Types of frames. @see https://www.rfc-editor.org/rfc/rfc9113#section-6 */
export const FRAME = { data: 0, headers: 1, rstStream: 3, settings: 4, ping: 6, goaway: 7, continuation: 9 };

/** Bits of a frame's flags. */
export const FLAG = { endStream: 1, ack: 1, endHeaders: 4 };

/** A frame as it came. */
export interface Frame {
  type: number;
  flags: number;
  stream: number;
  payload: Buffer;
}

/** A connection of HTTP/2 without TLS on which a test says exactly what is sent, also what no client would send. */
export class RawHttp2 {
  readonly socket: Socket;
  readonly received: Frame[] = [];
  closed = false;
  #rest = Buffer.alloc(0);

  /** Connects, and sends what every client sends first. */
  constructor(port: number) {
    this.socket = connect(port, "127.0.0.1");
    this.socket.on("error", () => undefined);
    this.socket.on("close", () => {
      this.closed = true;
    });
    this.socket.on("data", (bytes: Buffer) => this.#take(bytes));
    this.socket.write("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n");
    this.send(FRAME.settings, 0, 0);
  }

  /** Frames of a type that have come so far. */
  framesOf(type: number): Frame[] {
    return this.received.filter((frame) => frame.type === type);
  }

  /** Sends a frame. */
  send(type: number, flags: number, stream: number, payload: Uint8Array = Buffer.alloc(0)): void {
    this.socket.write(frame(type, flags, stream, payload));
  }

  #take(bytes: Buffer): void {
    this.#rest = Buffer.concat([this.#rest, bytes]);
    while (this.#rest.length >= 9 && this.#rest.length >= 9 + this.#rest.readUIntBE(0, 3)) {
      const end = 9 + this.#rest.readUIntBE(0, 3);
      this.received.push({
        type: this.#rest.readUInt8(3),
        flags: this.#rest.readUInt8(4),
        stream: this.#rest.readUInt32BE(5),
        payload: this.#rest.subarray(9, end),
      });
      this.#rest = this.#rest.subarray(end);
    }
  }
}

/** @returns the bytes of a frame */
export function frame(
  type: number,
  flags: number,
  stream: number,
  payload: Uint8Array = Buffer.alloc(0),
): Buffer {
  const head = Buffer.alloc(9);
  head.writeUIntBE(payload.length, 0, 3);
  head.writeUInt8(type, 3);
  head.writeUInt8(flags, 4);
  head.writeUInt32BE(stream, 5);
  return Buffer.concat([head, payload]);
}

/** @returns a block of headers, each written out, without compression. Names and values are shorter than 127 bytes. */
export function headerBlock(headers: Iterable<readonly [string, string]>): Buffer {
  const text = (value: string): Buffer =>
    Buffer.concat([Buffer.from([value.length]), Buffer.from(value, "latin1")]);
  return Buffer.concat([...headers].flatMap(([name, value]) => [Buffer.from([0]), text(name), text(value)]));
}

/** @returns the headers of a request */
export function requestBlock(method: string, path: string, more: Record<string, string> = {}): Buffer {
  const pseudo = { ":method": method, ":scheme": "http", ":authority": "r.example", ":path": path };
  return headerBlock(Object.entries({ ...pseudo, ...more }));
}
