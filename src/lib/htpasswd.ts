/** One user of an htpasswd file. */
export interface HtpasswdEntry {
  /** Counts from 1. */
  line: number;
  /** As bytes in Latin-1, see {@link HtpasswdFile}. */
  name: string;
  /** What stands behind the first colon, of whatever kind it is. */
  hash: string;
}

/** What kind a password hash is, as far as it can be told. */
export type HashKind = { kind: "bcrypt"; cost: number } | { kind: "other"; name: string };

/** A cost above this takes minutes for one login, so that it is taken for damage; `htpasswd` stops there too. */
export const MAX_BCRYPT_COST = 17;

/** Longest name that Apache's `htpasswd` takes. */
const MAX_NAME_BYTES = 255;
const BCRYPT = /^\$2[aby]\$(\d\d)\$[./A-Za-z0-9]{53}$/;
const OTHER_KINDS: readonly (readonly [start: string, name: string])[] = [
  ["$apr1$", "MD5 (apr1)"],
  ["$1$", "MD5"],
  ["{SHA}", "SHA-1"],
  ["{SSHA}", "salted SHA-1"],
  ["$5$", "SHA-256 (crypt)"],
  ["$6$", "SHA-512 (crypt)"],
  ["$argon2", "Argon2"],
  ["$y$", "yescrypt"],
  ["$2", "damaged bcrypt"],
];

/**
 * The lines of an htpasswd file: `name:hash`, comments that begin with `#`, empty lines, and what is none of these. Its
 * text is Latin-1, in which each character is one byte: so names are compared by bytes, whatever their encoding, and
 * what is not understood is written back as it was. Where a name stands twice the last one counts, as in the Go registry.
 */
export class HtpasswdFile {
  readonly #lines: readonly string[];
  readonly entries: readonly HtpasswdEntry[];
  /** Numbers of lines that are neither a user nor a comment. */
  readonly brokenLines: readonly number[];

  private constructor(lines: readonly string[]) {
    this.#lines = lines;
    const entries: HtpasswdEntry[] = [];
    const brokenLines: number[] = [];
    for (const [index, text] of lines.entries()) {
      const parsed = parseLine(text);
      if (parsed === "broken") brokenLines.push(index + 1);
      else if (parsed !== undefined) entries.push({ line: index + 1, ...parsed });
    }
    this.entries = entries;
    this.brokenLines = brokenLines;
  }

  static parse(bytes: Uint8Array): HtpasswdFile {
    return new HtpasswdFile(Buffer.from(bytes).toString("latin1").split("\n"));
  }

  static readonly empty: HtpasswdFile = new HtpasswdFile([""]);

  has(name: string): boolean {
    return this.entries.some((entry) => entry.name === name);
  }

  /** @returns the file with this hash in each line of the user, or in a line of its own at the end if there is none */
  withUser(name: string, hash: string): HtpasswdFile {
    const line = `${name}:${hash}`;
    const own = this.#linesOf(name);
    if (own.size > 0) {
      return new HtpasswdFile(
        this.#lines.map((text, index) =>
          own.has(index + 1) ? `${line}${text.endsWith("\r") ? "\r" : ""}` : text,
        ),
      );
    }
    const lines = [...this.#lines];
    // The last line has no end where nothing follows it, such as in the file that the Go registry makes.
    if (lines.at(-1) === "") lines.pop();
    return new HtpasswdFile([...lines, line, ""]);
  }

  /** @returns the file without any line of the user */
  withoutUser(name: string): HtpasswdFile {
    const own = this.#linesOf(name);
    return new HtpasswdFile(this.#lines.filter((_, index) => !own.has(index + 1)));
  }

  toBytes(): Buffer {
    return Buffer.from(this.#lines.join("\n"), "latin1");
  }

  #linesOf(name: string): Set<number> {
    return new Set(this.entries.filter((entry) => entry.name === name).map(({ line }) => line));
  }
}

/** Tells what kind of hash it is. Only bcrypt with a usable cost can be logged in with. */
export function hashKindOf(hash: string): HashKind {
  const cost = Number(BCRYPT.exec(hash)?.[1]);
  if (cost >= 4 && cost <= MAX_BCRYPT_COST) return { kind: "bcrypt", cost };
  if (cost > MAX_BCRYPT_COST) return { kind: "other", name: `bcrypt of cost ${cost}, which is too slow` };
  const known = OTHER_KINDS.find(([start]) => hash.startsWith(start));
  return { kind: "other", name: known?.[1] ?? "crypt or plain text" };
}

/** @returns a name from a command line or a request as it is compared */
export function nameInFile(name: string): string {
  return Buffer.from(name, "utf8").toString("latin1");
}

/** @returns a name of the file as people read it */
export function nameForPeople(name: string): string {
  return Buffer.from(name, "latin1").toString("utf8");
}

/** @returns why nobody can be called so; undefined if somebody can */
export function userNameProblem(name: string): string | undefined {
  if (name === "") return "it is empty";
  if (name.includes(":")) return "it has a colon, where the password would begin";
  if (/[\p{Cc}\p{Cs}\u2028\u2029]/u.test(name)) return "it has a control character";
  if (name.startsWith("#")) return "it begins with #, as a comment does";
  if (name !== name.trim()) return "it begins or ends with a space";
  if (Buffer.byteLength(name) > MAX_NAME_BYTES) return `it is longer than ${MAX_NAME_BYTES} bytes`;
  return undefined;
}

/** White space around a line does not count, as in the Go registry. */
function parseLine(line: string): { name: string; hash: string } | "broken" | undefined {
  const text = line.replace(/^[\t-\r ]+|[\t-\r ]+$/g, "");
  if (text === "" || text.startsWith("#")) return undefined;
  const colon = text.indexOf(":");
  return colon <= 0 ? "broken" : { name: text.slice(0, colon), hash: text.slice(colon + 1) };
}
