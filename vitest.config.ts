import { defineConfig } from "vitest/config";
import { SkippedTestsReporter } from "./test/support/skipped-tests-reporter.ts";

export default defineConfig({
  test: {
    include: ["test/**/*.test.ts"],
    globalSetup: ["test/support/ceph/global-setup.ts", "test/support/private-runtime-folder.ts"],
    testTimeout: 120_000,
    hookTimeout: 180_000,
    reporters: ["default", new SkippedTestsReporter()],
    pool: "forks",
    maxWorkers: 2,
  },
});
