import { describe, expect, it } from "vitest";
import { showValue } from "../../../src/config/mask.ts";
import { ROOT_KEYS } from "../../../src/config/schema/root-keys.ts";

describe("showValue", () => {
  it("masks headers by their name, however its words are joined", () => {
    const headers = { "X-Api-Key": ["hunter2"], "Access-Key": ["hunter2"], "X-Frame-Options": ["DENY"] };
    const key = ROOT_KEYS.keys.get("http");
    expect(showValue(key, "http", { headers })).toEqual({
      headers: { "X-Api-Key": "***", "Access-Key": "***", "X-Frame-Options": ["DENY"] },
    });
  });

  it("masks what a URL carries: user, password and parameters that sound secret", () => {
    const url = "https://me:hunter2@example.com/hook?a=1&token=hunter2&X-Api-Key=hunter2#part";
    expect(showValue(undefined, "url", url)).toBe(
      "https://***@example.com/hook?a=1&token=***&X-Api-Key=***#part",
    );
  });
});
