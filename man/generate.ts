/**
 * Writes the man pages from the command tree and the prose in man/src. `--check` writes nothing and fails if a page
 * is not what it should be.
 */
import { existsSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import type { Command } from "commander";
import { createContext } from "../src/cli/context.ts";
import { createProgram } from "../src/cli/program.ts";
import { configManPage } from "./config-page.ts";
import { escapeRoff, markdownToRoff } from "./roff.ts";

const MAN = dirname(fileURLToPath(import.meta.url));
const NAME = "registry-ctl";

/** @returns the text of every page by file name */
function renderPages(): Map<string, string> {
  const program = createProgram(
    createContext({ args: [], version: "", signal: new AbortController().signal }),
  );
  const pages = new Map<string, string>();
  for (const command of [program, ...program.commands.filter((child) => child.name() !== "help")]) {
    const isRoot = command === program;
    const name = isRoot ? NAME : `${NAME}-${command.name()}`;
    pages.set(`${name}.1`, commandPage(name, command, isRoot ? undefined : program));
  }
  pages.set(`${NAME}-config.5`, configManPage(prose(`${NAME}-config.5`)));
  return pages;
}

function commandPage(name: string, command: Command, program: Command | undefined): string {
  const summary = command.summary() || command.description();
  const out = [
    `.TH ${name.toUpperCase()} 1`,
    ".SH NAME",
    `${escapeRoff(name)} \\- ${escapeRoff(lowerFirst(summary.replace(/\.$/, "")))}`,
    ".SH SYNOPSIS",
    `.B ${escapeRoff(program ? `${NAME} ${command.name()}` : NAME)}`,
    escapeRoff(command.usage()),
    ".SH DESCRIPTION",
    escapeRoff(command.description()),
  ];
  if (command.aliases().length > 0) out.push(".PP", `Also: ${escapeRoff(command.aliases().join(", "))}`);
  if (command.commands.length > 0) {
    out.push(".SH COMMANDS");
    const shown = command.createHelp().visibleCommands(command);
    for (const child of shown.filter((candidate) => candidate.name() !== "help")) {
      out.push(
        ".TP",
        `.B ${escapeRoff(`${child.name()} ${child.usage()}`)}`,
        escapeRoff(child.summary() || child.description()),
      );
      if (program) out.push(...options(child, 4));
    }
  }
  out.push(".SH OPTIONS", ...options(command, 0));
  if (program) out.push(".PP", `The options of every command are in ${escapeRoff(NAME)}(1).`);
  const more = prose(`${name}.1`);
  if (more) out.push(markdownToRoff(more));
  out.push(".SH SEE ALSO", escapeRoff(seeAlso(name)));
  return `${out.filter((line) => line !== "").join("\n")}\n`;
}

function options(command: Command, indent: number): string[] {
  const rows = command.options
    .filter((option) => !option.hidden)
    .flatMap((option) => [".TP", `.B ${escapeRoff(option.flags)}`, escapeRoff(option.description)]);
  return indent > 0 && rows.length > 0 ? [`.RS ${indent}`, ...rows, ".RE"] : rows;
}

function seeAlso(name: string): string {
  return [
    `${NAME}(1)`,
    `${NAME}-serve(1)`,
    `${NAME}-garbage-collect(1)`,
    `${NAME}-config(1)`,
    `${NAME}-config(5)`,
  ]
    .filter((page) => page !== `${name}(1)`)
    .join(", ");
}

function prose(page: string): string {
  const path = join(MAN, "src", `${page}.md`);
  return existsSync(path) ? readFileSync(path, "utf8") : "";
}

function lowerFirst(text: string): string {
  return text.slice(0, 1).toLowerCase() + text.slice(1);
}

const pages = renderPages();
const stale = readdirSync(MAN).filter((file) => /\.[15]$/.test(file) && !pages.has(file));
if (process.argv.includes("--check")) {
  const differing = [...pages].filter(([file, text]) => {
    const path = join(MAN, file);
    return !existsSync(path) || readFileSync(path, "utf8") !== text;
  });
  const wrong = [...differing.map(([file]) => file), ...stale];
  if (wrong.length > 0) {
    console.error(`man pages are not what the commands say: ${wrong.join(", ")}; run npm run man`);
    process.exitCode = 1;
  }
} else {
  for (const [file, text] of pages) writeFileSync(join(MAN, file), text);
  for (const file of stale) rmSync(join(MAN, file));
}
