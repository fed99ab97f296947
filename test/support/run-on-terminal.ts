import { tmpdir } from "node:os";
import { execa } from "execa";
import { programPath } from "./programs.ts";
import { cleanEnvironment } from "./run-registry-ctl.ts";
import { REGISTRY_CTL_PATH } from "./serve-process.ts";

/** What somebody in front of a terminal has seen. */
export interface TerminalResult {
  /** Both outputs, without what moves the cursor or colours the text. */
  shown: string;
  exitCode: number | undefined;
}

/** A text that asks for something, and what is typed when it is seen. */
export type TypedAnswer = readonly [asked: RegExp, typed: string];

/** Options of {@link runOnTerminal}. */
export interface TerminalOptions {
  /** Typed in turn, each when its question is seen; nothing else must be asked. */
  answers?: readonly TypedAnswer[];
  /** Typed when a question with yes or no is asked. */
  answer?: "y" | "n";
  env?: Record<string, string>;
}

/** Runs `bin/registry-ctl.js` on a terminal of its own, of 24 lines and 80 columns, and answers its questions. */
export async function runOnTerminal(
  args: readonly string[],
  { answers, answer, env }: TerminalOptions = {},
): Promise<TerminalResult> {
  const words = [process.execPath, REGISTRY_CTL_PATH, ...args];
  const command = words.map((word) => `'${word.replaceAll("'", "'\\''")}'`).join(" ");
  const line = `stty rows 24 columns 80; exec ${command}`;
  const terminal = execa(programPath("script"), ["-qec", line, "/dev/null"], {
    cwd: tmpdir(),
    env: { ...cleanEnvironment(), SHELL: "/bin/sh", TERM: "xterm", ...env },
    extendEnv: false,
    reject: false,
    timeout: 60_000,
  });
  const left: TypedAnswer[] = [...(answers ?? [])];
  if (answer !== undefined) left.push([/\(y\/N/i, `${answer}\r`]);
  let seen = "";
  terminal.stdout.on("data", (text: Buffer) => {
    seen += text.toString();
    const [next] = left;
    if (next === undefined || !next[0].test(seen)) return;
    left.shift();
    terminal.stdin.write(next[1]);
  });
  const { exitCode } = await terminal;
  // biome-ignore lint/suspicious/noControlCharactersInRegex: escape sequences begin with one
  const shown = seen.replaceAll(/\u001b\[[0-9;?]*[A-Za-z]/g, "").replaceAll("\r\n", "\n");
  return { shown, exitCode };
}
