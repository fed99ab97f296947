import { createHmac } from "node:crypto";
import { describe, expect, it } from "vitest";
import { UploadState } from "../../../src/server/upload-state.ts";

const UPLOAD = { name: "a/b", uuid: "6ba7b810-9dad-41d1-80b4-00c04fd430c8" };
const required = { isRequired: true };
const optional = { isRequired: false };

/** As the Go registry makes it: URL-safe base64 with padding of the HMAC and the JSON that it is over. */
function goState(secret: string, value: unknown): string {
  const message = Buffer.from(JSON.stringify(value));
  const mac = createHmac("sha256", secret).update(message).digest();
  return Buffer.concat([mac, message]).toString("base64").replaceAll("+", "-").replaceAll("/", "_");
}

describe("UploadState", () => {
  const state = new UploadState("secret");

  it("admits what it signed, for that upload only", () => {
    const signed = state.sign(UPLOAD, 5);
    for (const strictness of [required, optional]) {
      expect(state.admits(signed, UPLOAD, strictness)).toBe(true);
      expect(state.admits(signed, { ...UPLOAD, uuid: "other" }, strictness)).toBe(false);
      expect(state.admits(signed, { ...UPLOAD, name: "a" }, strictness)).toBe(false);
      expect(state.admits(signed, { ...UPLOAD, name: "a/b/c" }, strictness)).toBe(false);
    }
  });

  it("signs what a Go registry with the same secret reads", () => {
    const signed = state.sign(UPLOAD, 1234);
    expect(signed).toMatch(/^[\w-]+={0,2}$/);
    expect(signed.length % 4).toBe(0);
    const bytes = Buffer.from(signed, "base64url");
    const message = bytes.subarray(32);
    expect(createHmac("sha256", "secret").update(message).digest()).toEqual(bytes.subarray(0, 32));
    expect(JSON.parse(message.toString())).toEqual({
      Name: UPLOAD.name,
      UUID: UPLOAD.uuid,
      Offset: 1234,
      StartedAt: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
    });
  });

  it("admits what a Go registry with the same secret signed", () => {
    const value = { Name: UPLOAD.name, UUID: UPLOAD.uuid, Offset: 0, StartedAt: "2026-11-21T11:00:00.1Z" };
    expect(state.admits(goState("secret", value), UPLOAD, required)).toBe(true);
    expect(state.admits(goState("secret", { ...value, Name: "b/a" }), UPLOAD, required)).toBe(false);
    expect(state.admits(goState("another", value), UPLOAD, required)).toBe(false);
  });

  it("refuses what is missing, forged or broken where a state is required", () => {
    const signed = state.sign(UPLOAD, 0);
    const middle = Math.floor(signed.length / 2);
    const changed = signed.charAt(middle) === "A" ? "B" : "A";
    const unsigned = Buffer.concat([Buffer.alloc(32), Buffer.from(JSON.stringify(UPLOAD))]);
    for (const forged of [
      null,
      "",
      "=",
      "not base64!",
      new UploadState("other").sign(UPLOAD, 0),
      signed.slice(0, middle) + changed + signed.slice(middle + 1),
      signed.slice(0, 40),
      signed.slice(4),
      unsigned.toString("base64url"),
      goState("secret", null),
      goState("secret", [UPLOAD.name, UPLOAD.uuid]),
      goState("secret", { Name: [UPLOAD.name], UUID: UPLOAD.uuid }),
    ]) {
      expect(state.admits(forged, UPLOAD, required), String(forged)).toBe(false);
      expect(state.admits(forged, UPLOAD, optional), String(forged)).toBe(true);
    }
  });
});
