import { describe, expect, it } from "vitest";
import { UploadState } from "../../../src/server/upload-state.ts";

describe("UploadState", () => {
  const state = new UploadState("secret");

  it("admits what it signed, for that upload only", () => {
    const signed = state.sign("a/b", "id");
    expect(state.admits(signed, "a/b", "id")).toBe(true);
    expect(state.admits(signed, "a/b", "other")).toBe(false);
    expect(state.admits(signed, "a", "id")).toBe(false);
    expect(new UploadState("other").admits(signed, "a/b", "id")).toBe(false);
    expect(state.admits(signed.slice(0, -1), "a/b", "id")).toBe(false);
  });

  it("admits none, and that of a Go registry", () => {
    expect(state.admits(null, "a", "id")).toBe(true);
    expect(state.admits("QWxhZGRpbjpvcGVuIHNlc2FtZQ==", "a", "id")).toBe(true);
  });
});
