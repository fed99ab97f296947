import { describe, expect, it } from "vitest";
import { isRepositoryName } from "../../../src/oci/reference.ts";
import { isParked, isStoredName, originOfParked, parkedName } from "../../../src/registry/parked.ts";
import { classifyPath } from "../../../src/registry/paths.ts";

describe("parked repositories", () => {
  it("have a name that no client can use, and that tells what it was", () => {
    const name = parkedName("group/app");
    expect(isRepositoryName(name)).toBe(false);
    expect(isParked(name)).toBe(true);
    expect(isStoredName(name)).toBe(true);
    expect(originOfParked(name)).toBe("group/app");
  });

  it("are no others", () => {
    for (const name of ["group/app", "registry-ctl-parked/a", parkedName("Bad"), "REGISTRY-CTL-PARKED"])
      expect(isParked(name), name).toBe(false);
  });

  it("have links like others", () => {
    const path = `/docker/registry/v2/repositories/${parkedName("a")}/_manifests/tags/v1/current/link`;
    expect(classifyPath(path)).toEqual({ kind: "tagLink", repository: parkedName("a"), tag: "v1" });
  });
});
