import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../src/oci/digest.ts";
import { isSweptPath } from "../../../../src/registry/apply/is-swept-path.ts";
import type { SweepPhase } from "../../../../src/registry/apply/sweep-phase.ts";
import {
  BLOBS_ROOT,
  blobDataPath,
  layerLinkPath,
  REPOSITORIES_ROOT,
  revisionLinkPath,
  tagHistoryLinkPath,
} from "../../../../src/registry/paths.ts";

const DIGEST = digestOf(Buffer.from("a"));
const APP = `${REPOSITORIES_ROOT}/app`;

describe("a path that a sweep removes", () => {
  it.each<[SweepPhase, string]>([
    ["tag history", tagHistoryLinkPath("team/app", "v1", DIGEST)],
    ["manifests", revisionLinkPath("app", DIGEST)],
    ["layer links", layerLinkPath("a/b/c", DIGEST)],
    ["layer links", revisionLinkPath("app", DIGEST)],
    ["layer links", blobDataPath(DIGEST).replace(/data$/, "link")],
    ["empty repositories", `${REPOSITORIES_ROOT}/team/Odd Name`],
    ["blobs", blobDataPath(DIGEST)],
  ])("of the phase %s: %s", (phase, path) => {
    expect(isSweptPath(phase, path)).toBe(true);
  });

  it.each<[SweepPhase, string]>([
    ["tag history", `${REPOSITORIES_ROOT}/link`],
    ["tag history", "/docker/registry/v2/a/b/c/d/link"],
    ["tag history", layerLinkPath("app", DIGEST)],
    ["manifests", `${APP}/_manifests/revisions/link`],
    ["layer links", `${APP}/_layers/sha256/../link`],
    ["layer links", `${APP}/../../../../../../etc/_layers/sha256/a/link`],
    ["layer links", `/elsewhere${layerLinkPath("app", DIGEST)}`],
    ["empty repositories", REPOSITORIES_ROOT],
    ["empty repositories", `${REPOSITORIES_ROOT}/`],
    ["empty repositories", `${REPOSITORIES_ROOT}/../../../..`],
    ["empty repositories", `${APP}/_uploads`],
    ["empty repositories", `${APP}\0`],
    ["blobs", `${BLOBS_ROOT}/data`],
    ["blobs", revisionLinkPath("app", DIGEST)],
  ])("is not, in the phase %s: %j", (phase, path) => {
    expect(isSweptPath(phase, path)).toBe(false);
  });
});
