import { execFile } from "node:child_process";
import { readdir, readFile, stat } from "node:fs/promises";
import { join, resolve } from "node:path";
import { promisify } from "node:util";
import { ConfigError, UsageError } from "../errors.ts";
import { messageOf } from "../lib/message-of.ts";
import { parseEnvironmentFile } from "./environment-file.ts";

const run = promisify(execFile);

/** Runs a program and gives back its standard output; replaced in tests. */
export type RunProgram = (file: string, args: readonly string[]) => Promise<string>;

const runProgram: RunProgram = async (file, args) => (await run(file, [...args])).stdout;

/**
 * Reads the environment of the service that a registry runs as, one source after the other: a file with `KEY=VALUE`
 * lines, a folder with a file for each variable (chpst, envdir), `pid:N` or `systemd:UNIT`.
 *
 * What is read stands for the service's environment, which decides where its store is: it therefore goes above the
 * environment of whoever runs this program, and a later source above an earlier one.
 *
 * @returns `env` with the variables of all sources
 * @throws {ConfigError} if a source cannot be read
 * @throws {UsageError} if a source is not written as it should be
 */
export async function readEnvFrom(
  sources: readonly string[],
  env: Readonly<Record<string, string | undefined>>,
  options: { cwd: string; runProgram?: RunProgram; procFolder?: string },
): Promise<Record<string, string | undefined>> {
  const merged: Record<string, string | undefined> = { ...env };
  for (const source of sources) Object.assign(merged, await readSource(source, options));
  return merged;
}

type Options = Parameters<typeof readEnvFrom>[2];

async function readSource(source: string, options: Options): Promise<Record<string, string>> {
  if (source.startsWith("pid:"))
    return readProcess(source.slice("pid:".length), options.procFolder ?? "/proc");
  if (source.startsWith("systemd:")) {
    return readUnit(source.slice("systemd:".length), options.runProgram ?? runProgram);
  }
  const path = resolve(options.cwd, source);
  return wrapped(source, async () => {
    if ((await stat(path)).isDirectory()) return readFolder(path);
    return parseEnvironmentFile(await readFile(path, "utf8"));
  });
}

async function wrapped<T>(source: string, read: () => Promise<T>, hint?: string): Promise<T> {
  try {
    return await read();
  } catch (cause) {
    const reason = messageOf(cause);
    throw new ConfigError(`the environment cannot be read from ${source}: ${reason}`, { cause, hint });
  }
}

/** @see https://cr.yp.to/daemontools/envdir.html */
async function readFolder(path: string): Promise<Record<string, string>> {
  const variables: Record<string, string> = {};
  for (const entry of await readdir(path, { withFileTypes: true })) {
    if (entry.isDirectory() || entry.name.startsWith(".") || entry.name.includes("=")) continue;
    const content = await readFile(join(path, entry.name), "utf8");
    const [firstLine = ""] = content.split("\n");
    // An empty file takes the variable away; a NUL stands for a line end.
    if (content !== "") variables[entry.name] = firstLine.replace(/[ \t]+$/, "").replaceAll("\0", "\n");
  }
  return variables;
}

async function readProcess(pid: string, procFolder: string): Promise<Record<string, string>> {
  if (!/^[1-9]\d*$/.test(pid))
    throw new UsageError(`pid: must be followed by a number, not ${JSON.stringify(pid)}`);
  const read = (): Promise<string> => readFile(join(procFolder, pid, "environ"), "utf8");
  const content = await wrapped(`pid:${pid}`, read, "Run as the registry's user or as root.");
  return assignments(content.split("\0"));
}

async function readUnit(unit: string, program: RunProgram): Promise<Record<string, string>> {
  if (!/^[A-Za-z0-9:_.\\@-]+$/.test(unit) || unit.startsWith("-")) {
    throw new UsageError(`systemd: must be followed by the name of a unit, not ${JSON.stringify(unit)}`);
  }
  const source = `systemd:${unit}`;
  const args = ["show", unit, "-p", "Environment", "-p", "EnvironmentFiles"];
  const output = await wrapped(
    source,
    () => program("systemctl", args),
    "Use pid:N or a file on hosts without systemd.",
  );
  const variables: Record<string, string> = {};
  const lines = output.split("\n");
  for (const line of lines) {
    if (line.startsWith("Environment=")) Object.assign(variables, assignments(splitWords(line.slice(12))));
  }
  // What a file says goes above what the unit says.
  for (const line of lines) {
    const file = /^EnvironmentFiles=(.*) \(ignore_errors=(yes|no)\)$/.exec(line);
    if (file?.[1] === undefined) continue;
    const path = file[1];
    const read = async (): Promise<string> => readFile(path, "utf8");
    const content =
      file[2] === "yes" ? await read().catch(() => "") : await wrapped(`${source}, ${path}`, read);
    Object.assign(variables, parseEnvironmentFile(content));
  }
  return variables;
}

function assignments(texts: readonly string[]): Record<string, string> {
  const pairs = texts.map((text): [string, string] => [
    text.split("=", 1)[0] ?? "",
    text.slice(text.indexOf("=") + 1),
  ]);
  return Object.fromEntries(pairs.filter(([name], index) => name !== "" && texts[index]?.includes("=")));
}

/** Splits as systemctl writes it: words with spaces stand in double quotes, `\` keeps a character. */
function splitWords(text: string): string[] {
  const words = text.match(/"(?:[^"\\]|\\.)*"|\S+/gs) ?? [];
  return words.map((word) =>
    word.startsWith('"') && word.endsWith('"') && word.length > 1
      ? word.slice(1, -1).replace(/\\(.)/gs, "$1")
      : word,
  );
}
