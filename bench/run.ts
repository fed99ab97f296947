/** Benchmarks by name; each gets the rest of the command line. */
const BENCHMARKS: Readonly<Record<string, (args: readonly string[]) => Promise<void>>> = {
  gc: async (args) => (await import("./gc.ts")).gc(args),
  "gc-tree": async (args) => (await import("./gc-tree.ts")).gcTree(args),
  graph: async (args) => (await import("./graph-memory.ts")).graphMemory(args),
  live: async (args) => (await import("./live.ts")).live(args),
  migrate: async (args) => (await import("./migrate.ts")).migrate(args),
  "migrate-once": async ([order = ""]) => (await import("./migrate/sync-once.ts")).syncOnce(order),
  move: async (args) => (await import("./move.ts")).move(args),
  online: async (args) => (await import("./online.ts")).online(args),
  push: async (args) => (await import("./push.ts")).push(args),
  usage: async (args) => (await import("./usage.ts")).usage(args),
  tags: async (args) => (await import("./tags.ts")).tags(args),
  "big-blob": async (args) => (await import("./big-blob.ts")).run(args),
};

// What the SDK says to its developers is none of the results.
process.env["AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED"] ??= "true";

const [name = "", ...args] = process.argv.slice(2);
const benchmark = BENCHMARKS[name];
if (benchmark) await benchmark(args);
else {
  console.error(`usage: npm run bench -- ${Object.keys(BENCHMARKS).join("|")}`);
  process.exitCode = 2;
}
