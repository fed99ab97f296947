import { expect, it } from "vitest";
import { VerifyProgressText } from "../../../../src/commands/verify/progress-text.ts";

it("shows how far a phase is, and from its rate how long it will take", () => {
  let nowMs = 0;
  const text = new VerifyProgressText(() => nowMs);

  expect(text.of({ phase: "blobs", done: 1000 })).toBe("listing blobs: 1000; safe to stop");
  nowMs = 10_000;
  expect(text.of({ phase: "checksums", done: 0, total: 4096 })).toBe(
    "hashing blobs: 0 B of 4.0 KiB (0%); safe to stop",
  );
  nowMs = 20_000;
  expect(text.of({ phase: "checksums", done: 1024, total: 4096 })).toBe(
    "hashing blobs: 1.0 KiB of 4.0 KiB (25%), 30 s left; safe to stop",
  );
  expect(text.of({ phase: "repositories", done: 0, total: 8, files: 128 })).toBe(
    "checking repositories: 0 of 8 (0%), 128 files read; safe to stop",
  );
  nowMs = 80_000;
  expect(text.of({ phase: "repositories", done: 2, total: 8, files: 512 })).toBe(
    "checking repositories: 2 of 8 (25%), 512 files read, 3 min 0 s left; safe to stop",
  );
});

it("never shows more than all", () => {
  const text = new VerifyProgressText(() => 0);
  // A share of the blobs that chance has made larger than expected.
  expect(text.of({ phase: "checksums", done: 2048, total: 1024 })).toContain("(100%)");
});
