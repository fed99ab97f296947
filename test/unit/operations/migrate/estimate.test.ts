import { describe, expect, it } from "vitest";
import type { CountedStore } from "../../../../src/operations/migrate/count-store.ts";
import { estimateRequests, estimateTime } from "../../../../src/operations/migrate/estimate.ts";
import { bucketSettings } from "../../../support/bucket-settings.ts";

const MIB = 1024 * 1024;
const COUNTED: CountedStore = {
  ...{ files: 10_010, bytes: 1000 * MIB, folders: [], blobs: 5000, large: { files: 10, bytes: 900 * MIB } },
  ...{ manifests: 1000, tags: 1000, newestTagMs: 0, failures: [] },
};
const FOLDER = { driver: "filesystem", rootDirectory: "/srv", maxThreads: 100 } as const;

describe("estimates", () => {
  it("give a range of time from what was measured", () => {
    const speed = { smallPerSecond: 100, bytesPerSecond: 10 * MIB, sample: { files: 1, bytes: 1 } };
    expect(estimateTime(COUNTED, speed)).toEqual({ fromSeconds: 100, toSeconds: 600 });
  });

  it("count requests, with those of uploads in parts, at list prices", () => {
    const target = bucketSettings({ chunkBytes: 10 * MIB });
    // Lists: 11 pages in 4 passes; 10,000 small files; 90 parts and 2 requests for each of 10 uploads.
    expect(estimateRequests(COUNTED, FOLDER, target)).toEqual({
      writes: 44 + 10_000 + 90 + 20,
      reads: 0,
      dollars: 0.05,
    });
    expect(estimateRequests(COUNTED, target, FOLDER)).toMatchObject({ writes: 44, reads: 10_010 });
    expect(estimateRequests(COUNTED, FOLDER, FOLDER)).toBeUndefined();
  });
});
