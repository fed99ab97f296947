import { setFlagsFromString } from "node:v8";

/**
 * Lets V8 copy less of one function into another when it compiles, in this thread and in all others. A command that runs
 * for seconds spends a quarter of them compiling and ends before that has paid; with this the collection of a thousand
 * repositories takes some 5% less CPU. To be called before the work begins, and never by a server.
 *
 * @see https://nodejs.org/docs/latest-v20.x/api/v8.html#v8setflagsfromstringflags
 */
export function compileLightly(): void {
  setFlagsFromString("--max-inlined-bytecode-size-cumulative=100");
}
