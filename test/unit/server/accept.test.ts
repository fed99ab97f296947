import { describe, expect, it } from "vitest";
import { parseAccept } from "../../../src/server/accept.ts";

describe("parseAccept", () => {
  it("restricts nothing where there is no header", () => {
    expect(parseAccept(undefined)).toBeUndefined();
    expect(parseAccept(" ")).toBeUndefined();
  });

  it("takes listed types whatever their preference, parameters and case", () => {
    const accepted = parseAccept("application/a;q=0.1, Application/B ; charset=utf-8,,application/c");
    expect(accepted?.accepts("application/a")).toBe(true);
    expect(accepted?.accepts("application/b")).toBe(true);
    expect(accepted?.accepts("application/c")).toBe(true);
    expect(accepted?.accepts("application/d")).toBe(false);
    expect(accepted?.listed).toEqual(["application/a", "application/b", "application/c"]);
  });

  it("honours wildcards, and what they leave out", () => {
    expect(parseAccept("*/*")?.accepts("application/a")).toBe(true);
    expect(parseAccept("application/*")?.accepts("application/a")).toBe(true);
    expect(parseAccept("text/*")?.accepts("application/a")).toBe(false);
    expect(parseAccept("*/*, application/a;q=0")?.accepts("application/a")).toBe(false);
    expect(parseAccept("*/*, application/*;q=0.0, application/b")?.accepts("application/a")).toBe(false);
    expect(parseAccept("*/*, application/*;q=0.0, application/b")?.accepts("application/b")).toBe(true);
  });
});
