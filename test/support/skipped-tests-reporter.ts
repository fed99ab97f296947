import type { Reporter, TestModule } from "vitest/node";

/** Ends a test run with one list of what was skipped and why, so that nobody mistakes it for a full run. */
export class SkippedTestsReporter implements Reporter {
  /** Called by vitest when all tests have ended. */
  onTestRunEnd(modules: readonly TestModule[]): void {
    const counts = new Map<string, number>();
    for (const module of modules)
      for (const test of module.children.allTests("skipped")) {
        // The title of a describe that misses something ends in the reason, in brackets.
        const title = test.fullName.match(/^.*?\[[^\]]+\]/)?.[0] ?? test.fullName;
        const key = `${module.relativeModuleId}: ${title}`;
        counts.set(key, (counts.get(key) ?? 0) + 1);
      }
    if (counts.size === 0) return;
    const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
    process.stderr.write(`\n!!! ${total} tests were SKIPPED, this was not a full run:\n`);
    for (const [key, count] of counts)
      process.stderr.write(`!!!   ${count} ${count === 1 ? "test" : "tests"}: ${key}\n`);
  }
}
