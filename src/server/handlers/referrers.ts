import { parseDigest } from "../../oci/digest.ts";
import { OCI_INDEX } from "../../oci/media-types.ts";
import { type Answer, jsonAnswer } from "../answer.ts";
import type { Exchange } from "../exchange.ts";
import type { ServerContext } from "../server-context.ts";

/** Lists the manifests that are attached to a manifest, whether or not that exists. */
export async function listReferrers(context: ServerContext, exchange: Exchange): Promise<Answer> {
  const { name, reference } = exchange.route;
  const digest = parseDigest(reference);
  // No media type has a space: it is a + that the client did not escape.
  const artifactType = exchange.query.get("artifactType")?.replaceAll(" ", "+");
  const all = await context.registry.repository(name).referrers.of(digest);
  const manifests = artifactType ? all.filter((entry) => entry.artifactType === artifactType) : all;
  const headers: Record<string, string> = { "Content-Type": OCI_INDEX };
  if (artifactType) headers["OCI-Filters-Applied"] = "artifactType";
  return jsonAnswer({ schemaVersion: 2, mediaType: OCI_INDEX, manifests }, headers);
}
