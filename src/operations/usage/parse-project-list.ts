import { UsageError } from "../../errors.ts";
import { isRepositoryName } from "../../oci/reference.ts";
import { type KnownProject, registryPathOf } from "./projects.ts";

const HINT = "write one project a line, as group/project or group/project,ID,CREATOR_ID; # begins a comment";

/**
 * Reads a list of projects: one path a line, with GitLab's id of the project and of who made it behind commas where they are known.
 *
 * @param file - its name, for errors
 * @throws {UsageError} for a line that names no project, or one again, with the number of the line
 */
export function parseProjectList(text: string, file: string): KnownProject[] {
  const projects: KnownProject[] = [];
  const lineOf = new Map<string, number>();
  for (const [index, raw] of text
    .replace(/^\uFEFF/, "")
    .split("\n")
    .entries()) {
    const line = raw.replace(/(?:^|\s)#.*$/, "").trim();
    if (line === "") continue;
    const wrong = (what: string): UsageError =>
      new UsageError(`${file}:${index + 1}: ${what}`, { hint: HINT });
    const [path = "", id, creatorId, ...rest] = line.split(",").map((part) => part.trim());
    const name = registryPathOf(path);
    if (!isRepositoryName(name)) throw wrong(`${JSON.stringify(path)} is no path of a project`);
    if (rest.length > 0) throw wrong("more than path, id and creator's id");
    const before = lineOf.get(name);
    if (before !== undefined) throw wrong(`the same project as in line ${before}`);
    lineOf.set(name, index + 1);
    projects.push({ path, id: idOf(id, wrong), creatorId: idOf(creatorId, wrong) });
  }
  return projects;
}

function idOf(text: string | undefined, wrong: (what: string) => UsageError): number | undefined {
  if (text === undefined || text === "") return undefined;
  if (!/^[1-9]\d{0,14}$/.test(text)) throw wrong(`${JSON.stringify(text)} is no id`);
  return Number(text);
}
