import { RegistryCtlError } from "../errors.ts";
import { isBase64 } from "./base64.ts";

/** What stands between a BEGIN and an END line. */
export interface PemBlock {
  /** The label, such as `CERTIFICATE`. */
  kind: string;
  /** Of its BEGIN line; counts from 1. */
  line: number;
  der: Buffer;
  /** It has lines such as `Proc-Type: 4,ENCRYPTED` before its content. */
  hasHeaders: boolean;
}

/** A file in PEM form is not what it should be. The message names block and line where there is one. */
export class PemError extends RegistryCtlError {
  override readonly name: string = "PemError";
  constructor(message: string, options: { hint?: string | undefined; cause?: unknown } = {}) {
    super("ERR_PEM", message, options);
  }
}

const BEGIN = /^-----BEGIN ([^-]*)-----$/;
const END = /^-----END ([^-]*)-----$/;
/** Not at the start of a line, or not alone on it: Go and OpenSSL pass over such a block without a word. */
const LOST_BOUNDARY = /-----(BEGIN|END) /;

/**
 * Reads the blocks of a PEM file. Text around blocks, such as `openssl x509 -text` writes, is passed over; lines may
 * end as on Windows.
 *
 * @throws {PemError} for a block that other programs would pass over without a word
 * @see https://www.rfc-editor.org/rfc/rfc7468
 */
export function parsePemBlocks(content: string | Uint8Array): PemBlock[] {
  const text = typeof content === "string" ? content : Buffer.from(content).toString("latin1");
  const blocks: PemBlock[] = [];
  let open: { kind: string; line: number; body: string[] } | undefined;
  for (const [index, raw] of text.split("\n").entries()) {
    const line = raw.trimEnd();
    const at = index + 1;
    const begin = BEGIN.exec(line)?.[1];
    const end = END.exec(line)?.[1];
    if (begin !== undefined) {
      if (open) throw notEnded(open, blocks.length + 1, `before the next begins at line ${at}`);
      open = { kind: begin, line: at, body: [] };
    } else if (end !== undefined) {
      if (!open) throw new PemError(`line ${at}: END ${end} without a BEGIN before it`);
      if (end !== open.kind) throw notEnded(open, blocks.length + 1, `but with END ${end} at line ${at}`);
      blocks.push(closeBlock(open, blocks.length + 1));
      open = undefined;
    } else if (LOST_BOUNDARY.test(line)) {
      throw lostBoundary(line, at, blocks.length + 1);
    } else {
      open?.body.push(line);
    }
  }
  if (open) throw notEnded(open, blocks.length + 1, "before the end of the file");
  return blocks;
}

function closeBlock(open: { kind: string; line: number; body: string[] }, number: number): PemBlock {
  const headerLines = open.body[0]?.includes(":") ? open.body.indexOf("") + 1 : 0;
  const base64 = open.body.slice(headerLines).join("").replaceAll(/\s/g, "");
  if (base64 === "" || !isBase64(base64)) {
    const bad = open.body.findIndex((line, index) => index >= headerLines && /[^A-Za-z0-9+/=\s]/.test(line));
    const line = bad === -1 ? open.line : open.line + 1 + bad;
    const problem = bad === -1 ? "is empty or cut short" : "holds characters that are not base64";
    throw new PemError(`line ${line}: block ${number} (${open.kind}) ${problem}`);
  }
  return {
    kind: open.kind,
    line: open.line,
    der: Buffer.from(base64, "base64"),
    hasHeaders: headerLines > 0,
  };
}

function notEnded(open: { kind: string; line: number }, number: number, how: string): PemError {
  return new PemError(`line ${open.line}: block ${number} (${open.kind}) does not end ${how}`);
}

function lostBoundary(line: string, at: number, number: number): PemError {
  const where = `line ${at}: block ${number}`;
  if (line.includes(String.raw`\n`)) {
    return new PemError(String.raw`${where} holds \n as two characters in place of line ends`, {
      hint: "write the lines out: printf '%b' \"$KEY\" > FILE; from gitlab.rb: the value needs double quotes there",
    });
  }
  if (/-----END [^-]*-----+BEGIN /.test(line)) {
    return new PemError(`${where} begins on the line on which the one before it ends`, {
      hint: "put a line end between the two: the first file had none at its end",
    });
  }
  return new PemError(`${where} has a BEGIN or END that does not stand alone at the start of its line`);
}
