import { isNothing } from "../config-tree.ts";
import { flag, integer, list, section, text, word } from "./key-builders.ts";

/** `validation`. */
export const VALIDATION_KEYS = section(
  "what is looked at in manifests",
  {
    enabled: flag("old opposite of disabled", { status: "noop" }),
    disabled: flag("look at nothing more", { status: "noop", default: false }),
    manifests: section("manifests", {
      referencelimit: integer("most references in a manifest, 0 for no limit", {
        dialect: "gitlab",
        status: "must-honour",
        default: 0,
        min: 0,
      }),
      payloadsizelimit: integer("most bytes of a manifest, 0 for no limit", {
        dialect: "gitlab",
        status: "must-honour",
        default: 0,
        min: 0,
      }),
      urls: section("addresses of foreign layers", {
        allow: list("regular expressions that they must match", { status: "must-honour" }),
        deny: list("regular expressions that they must not match", { status: "must-honour" }),
      }),
      indexes: section(
        "image indexes",
        {
          platforms: word("platforms whose images must exist", ["all", "none", "list"], {
            status: "must-honour",
            default: "all",
          }),
          platformlist: list("these platforms, with list", {
            status: "must-honour",
            items: section("one platform", {
              os: text("operating system"),
              architecture: text("architecture"),
            }),
          }),
        },
        { dialect: "distribution" },
      ),
    }),
  },
  {
    inert: (node) => {
      const disabled = node.kind === "map" ? node.entries.get("disabled")?.value : undefined;
      return !isNothing(disabled) && disabled?.kind === "scalar" && disabled.text === "true";
    },
  },
);
