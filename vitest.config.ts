import { defineConfig } from "vitest/config";
import { SkippedTestsReporter } from "./test/support/skipped-tests-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/ceph/global-setup.ts"],
    testTimeout: 30_000,
    hookTimeout: 60_000,
    reporters: ["default", new SkippedTestsReporter()],
    pool: "forks",
    maxWorkers: 2,
  },
});
