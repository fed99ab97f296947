import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

/**
 * @returns a short text that is another one as soon as a file of this program is: processes that were started before and
 *   after it was replaced must not work together. A version does not tell, where a build was made by hand
 */
export function buildMark(folder = fileURLToPath(new URL("..", import.meta.url))): string {
  const hash = createHash("sha256");
  const programs = readdirSync(folder, { recursive: true, encoding: "utf8" })
    .filter((name) => /\.(js|ts)$/.test(name))
    .sort();
  for (const name of programs) hash.update(`${name}\n`).update(readFileSync(join(folder, name)));
  return hash.digest("hex").slice(0, 16);
}
