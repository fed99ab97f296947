import type { Digest } from "../../../oci/digest.ts";
import { planTag } from "../../../operations/tags/set-tag.ts";
import type { CommandContext } from "../../context.ts";
import { openForPointing } from "./open-for-pointing.ts";
import { type PointFlags, pointTag } from "./point-tag.ts";
import { renderPointed } from "./render-pointed.ts";
import type { TagReference } from "./tag-reference.ts";

/** Runs `tags set`. */
export async function runSet(
  context: CommandContext,
  reference: TagReference,
  digest: Digest,
  flags: PointFlags,
): Promise<void> {
  const opened = await openForPointing(context, flags, "tags set", reference);
  try {
    const planned = await planTag(opened.driver, { ...reference, digest }, context.signal);
    const report = await pointTag(context, opened, planned, flags);
    context.report({ ...report, command: "tags set" }, renderPointed, flags);
  } finally {
    opened.close();
  }
}
