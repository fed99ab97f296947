import { readFileSync } from "node:fs";
import { messageOf } from "../../lib/message-of.ts";
import { writeTextfile } from "./write-textfile.ts";

/*
 * The program of a process that keeps the rights of root while its parent becomes the user that owns the store: it waits
 * for the text on standard input and writes the file. Without any text, as when its parent is killed, it writes nothing.
 */
const [, , path] = process.argv;
// A stop is for the parent, which still has to say how its run ended.
for (const name of ["SIGINT", "SIGTERM", "SIGHUP"] as const) process.on(name, () => undefined);
const text = readFileSync(0, "utf8");
if (path !== undefined && text !== "") {
  try {
    writeTextfile(path, text);
  } catch (error) {
    process.stdout.write(messageOf(error));
    process.exitCode = 1;
  }
}
