import { describe, expect, it } from "vitest";
import { showValue } from "../../../src/config/mask.ts";
import type { Key } from "../../../src/config/schema/key-types.ts";
import { ROOT_KEYS } from "../../../src/config/schema/root-keys.ts";

describe("showValue", () => {
  it("masks the values of all headers: of most, nothing tells what they are for", () => {
    const headers = { "X-Api-Key": ["hunter2"], "Access-Key": ["hunter2"], "X-Backend": ["hunter2"] };
    const key = ROOT_KEYS.keys.get("http");
    expect(showValue(key, "http", { headers })).toEqual({
      headers: { "X-Api-Key": "***", "Access-Key": "***", "X-Backend": "***" },
    });
  });

  it("masks a name that is none of the schema's, however its words are joined", () => {
    const options = { "X-Api-Key": "hunter2", "Access-Key": "hunter2", mode: "seen" };
    expect(showValue(undefined, "options", options)).toEqual({
      ...{ "X-Api-Key": "***", "Access-Key": "***", mode: "seen" },
    });
  });

  it("masks what a URL carries: user, password and parameters that sound secret", () => {
    const url = "https://me:hunter2@example.com/hook?a=1&token=hunter2&X-Api-Key=hunter2#part";
    expect(showValue(undefined, "url", url)).toBe(
      "https://***@example.com/hook?a=1&token=***&X-Api-Key=***#part",
    );
  });

  it("masks the URL in every key that holds text, wherever it stands", () => {
    const url = "https://me:hunter2@example.com/x?access_token=hunter2";
    const keys = [...textKeys(ROOT_KEYS, "")];
    expect(keys.length).toBeGreaterThan(100);
    for (const { key, name } of keys) {
      for (const value of [url, [url], { a: url, b: [{ c: url }] }]) {
        expect(JSON.stringify(showValue(key, name, value)), name).not.toContain("hunter2");
      }
    }
  });

  it("masks keys that are secret, whatever stands there by mistake", () => {
    for (const { key, name } of textKeys(ROOT_KEYS, "")) {
      if (!key.secret) continue;
      for (const value of ["hunter2", ["hunter2"], { a: "hunter2" }, 2]) {
        expect(showValue(key, name, value), name).toBe("***");
      }
    }
  });
});

function* textKeys(key: Key, name: string): Iterable<{ key: Key; name: string }> {
  if (key.type === "section") for (const [child, childKey] of key.keys) yield* textKeys(childKey, child);
  else if (key.type === "list") yield* textKeys(key.items, name);
  else if (key.type === "text" || key.type === "map") yield { key, name };
}
