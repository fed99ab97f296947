import { ConfigError } from "../../errors.ts";
import { HtpasswdFile, hashKindOf, nameForPeople } from "../../lib/htpasswd.ts";
import type { Logger } from "../../lib/logger.ts";
import { printableLine } from "../../lib/printable.ts";

/** What Go's library takes, and so the Go registry where it makes a file. */
const USUAL_COST = 10;

/** Who may log in, by an htpasswd file. */
export interface HtpasswdUsers {
  /** bcrypt hashes by name; each character of a name is one byte. */
  hashes: ReadonlyMap<string, string>;
  /** A hash that is as slow as most of the others, for names that nobody has: it belongs to no password. */
  dummyHash: string;
}

/**
 * Reads an htpasswd file. Hashes of other kinds than bcrypt are told of and never match.
 *
 * @throws {ConfigError} if a line is no user at all, by which the Go registry refuses everybody
 */
export function readHtpasswdUsers(bytes: Buffer, path: string, logger: Logger): HtpasswdUsers {
  const file = HtpasswdFile.parse(bytes);
  const [broken] = file.brokenLines;
  if (broken !== undefined) {
    throw new ConfigError(`auth.htpasswd: ${path}:${broken}: the line is not NAME:HASH`, {
      hint: "put the line right, or remove it",
    });
  }
  const hashes = new Map<string, string>();
  const costs = new Map<number, number>();
  for (const { line, name, hash } of file.entries) {
    const kind = hashKindOf(hash);
    // The last line of a name counts, so that one of another kind hides those before it.
    hashes.delete(name);
    if (kind.kind === "bcrypt") {
      hashes.set(name, hash);
      costs.set(kind.cost, (costs.get(kind.cost) ?? 0) + 1);
      continue;
    }
    const user = printableLine(nameForPeople(name));
    logger.warn("auth.htpasswd: this user cannot log in, only bcrypt counts", {
      path,
      line,
      user,
      hash: kind.name,
    });
  }
  return { hashes, dummyHash: dummyHash(mostUsual(costs)) };
}

function mostUsual(costs: ReadonlyMap<number, number>): number {
  const [first] = [...costs].sort(([costA, a], [costB, b]) => b - a || costB - costA);
  return first?.[0] ?? USUAL_COST;
}

/** Salt and hash are of one letter, which no password comes to but by chance. */
function dummyHash(cost: number): string {
  return `$2b$${String(cost).padStart(2, "0")}$${".".repeat(53)}`;
}
