import { describe, expect, it } from "vitest";
import { parseSection } from "../../../../src/config/target-section.ts";
import { keptSection, switchTexts, withoutHold } from "../../../../src/operations/migrate/switch-texts.ts";
import { changeReadOnly } from "../../../../src/operations/readonly/read-only-key.ts";

const ORIGINAL =
  "version: 0.1\nstorage:\n  filesystem:\n    rootdirectory: /srv\n  delete:\n    enabled: true\n";
const SECTION = parseSection("storage:\n  s3:\n    bucket: b\n    region: eu-central-1\n");
const REQUEST = {
  ...{ original: ORIGINAL, file: "config.yml", section: SECTION, identity: "s3://amazonaws.com/b/", env: {} },
  redirects: false,
};

describe("switchTexts", () => {
  it("replaces the driver, switches redirects off and keeps the rest", () => {
    const { after, tried } = switchTexts(REQUEST);
    expect(after).toBe(
      "version: 0.1\nstorage:\n  s3:\n    bucket: b\n    region: eu-central-1\n  delete:\n    enabled: true\n  redirect:\n    disable: true\n",
    );
    expect(tried).toBe(changeReadOnly(after, "config.yml", true).after);
  });

  it("leaves redirects as they are written where they are wanted", () => {
    expect(switchTexts({ ...REQUEST, redirects: true }).after).not.toContain("redirect");
  });

  it("names the variables that would decide over the file", () => {
    const env = { REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY: "/elsewhere" };
    expect(() => switchTexts({ ...REQUEST, env })).toThrow("REGISTRY_STORAGE_FILESYSTEM_ROOTDIRECTORY");
  });

  it("goes back to the very text from before where nobody has changed it since", () => {
    for (const redirects of [false, true]) {
      const { after } = switchTexts({ ...REQUEST, redirects });
      const back = {
        ...{ original: after, file: "config.yml", env: {}, identity: "filesystem:/srv" },
        ...keptSection(ORIGINAL, "config.yml"),
        earlier: { text: ORIGINAL, replacedBy: SECTION },
      };
      expect(switchTexts(back).after).toBe(ORIGINAL);
      const changed = switchTexts({ ...back, original: `${after}log:\n  level: warn\n` }).after;
      expect(changed).toContain("level: warn\n");
    }
  });

  it("goes back to what stood there before, redirects included", () => {
    const { after } = switchTexts(REQUEST);
    const { section, redirects } = keptSection(ORIGINAL, "config.yml");
    const back = switchTexts({
      ...{ original: `${after}log:\n  level: warn\n`, file: "config.yml", env: {} },
      ...{ section, redirects, identity: "filesystem:/srv" },
    });
    expect(back.after).toContain("rootdirectory: /srv\n");
    expect(back.after).toContain("disable: false\n");
    expect(back.after).toContain("level: warn\n");
  });
});

describe("withoutHold", () => {
  it("takes back what a hold has written, and keeps what others have", () => {
    const held = changeReadOnly(ORIGINAL, "config.yml", true).after;
    expect(withoutHold(held, "config.yml", ORIGINAL)).toBe(ORIGINAL);
    const changed = `${held}log:\n  level: warn\n`;
    expect(withoutHold(changed, "config.yml", ORIGINAL)).toContain("level: warn");
    expect(
      changeReadOnly(withoutHold(changed, "config.yml", ORIGINAL), "config.yml", false).wasReadOnly,
    ).toBe(false);
  });
});
