import { csvLine } from "../../lib/csv.ts";
import { printableJson, printableLine } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import type { ListedManifest } from "../../operations/manifests/list-manifests.ts";
import { renderTable } from "../../ui/table.ts";

/** Labels that a table shows; all of them are in the other formats. */
const LABELS_SHOWN = 2;
const LABEL_CHARS = 40;

const HEADINGS = ["DIGEST", "KIND", "PLATFORMS", "SIZE", "CREATED", "TAGS", "LAST TAG", "LABELS"];

/** Gives an aligned table for people. Digests are told in full, as they are what somebody needs. */
export function* renderManifestsTable(manifests: readonly ListedManifest[]): Generator<string> {
  if (manifests.length === 0) return;
  const rows = manifests.map((manifest) =>
    [
      ...[manifest.digest, kindOf(manifest), manifest.platforms.join(" ")],
      manifest.sizeBytes === undefined ? "" : formatBytes(manifest.sizeBytes),
      ...[createdText(manifest), manifest.tags.join(" "), lastTagText(manifest), labelsText(manifest)],
    ].map(printableLine),
  );
  yield `${renderTable(HEADINGS, rows, [HEADINGS.indexOf("SIZE")])}\n`;
}

/** Gives lines of CSV, the names of the columns first. */
export function* renderManifestsCsv(
  manifests: readonly ListedManifest[],
  repository: string,
): Generator<string> {
  yield "repository,digest,media_type,platforms,size_bytes,created,tags,last_tag,last_tag_time,labels\n";
  for (const manifest of manifests) {
    const { digest, mediaType = "", platforms, sizeBytes = "", tags, lastTag, labels } = manifest;
    yield csvLine([
      ...[
        repository,
        digest,
        mediaType,
        platforms.join(" "),
        sizeBytes,
        createdText(manifest),
        tags.join(" "),
      ],
      ...[lastTag?.tag ?? "", lastTag === undefined ? "" : timeText(lastTag.ms), printableJson(labels)],
    ]);
  }
}

/** Gives the one document of `--json`, on one line. */
export function* renderManifestsJson(
  manifests: readonly ListedManifest[],
  repository: string,
): Generator<string> {
  yield `{"schemaVersion":1,"command":"manifests list","repository":${printableJson(repository)},"manifests":[`;
  for (const [index, manifest] of manifests.entries())
    yield `${index > 0 ? "," : ""}${printableJson(jsonOf(manifest))}`;
  yield "]}\n";
}

function jsonOf({ created, lastTag, ...manifest }: ListedManifest): Record<string, unknown> {
  return {
    ...manifest,
    ...(created.kind === "known" ? { created: timeText(created.ms) } : {}),
    ...(created.kind === "unreadable" ? { unreadable: created.reason } : {}),
    ...(lastTag ? { lastTag: { tag: lastTag.tag, [lastTag.known]: timeText(lastTag.ms) } } : {}),
  };
}

/** `application/vnd.oci.image.index.v1+json` without what all of them have. */
function kindOf({ mediaType, isMissing }: ListedManifest): string {
  if (isMissing) return "bytes missing";
  if (mediaType === undefined) return "unreadable";
  const end = mediaType.replace(/\+\w+$/, "").replace(/\.v\d+$/, "");
  return end.includes("index") || end.includes("manifest.list") ? "index" : "image";
}

function createdText({ created }: ListedManifest): string {
  return created.kind === "known" ? timeText(created.ms) : "";
}

function lastTagText({ tags, lastTag }: ListedManifest): string {
  if (lastTag === undefined || tags.includes(lastTag.tag)) return "";
  return `${lastTag.tag} ${lastTag.known} ${timeText(lastTag.ms)}`;
}

function labelsText({ labels }: ListedManifest): string {
  const texts = Object.entries(labels).map(([name, text]) => `${name}=${text}`.slice(0, LABEL_CHARS));
  const more = texts.length - LABELS_SHOWN;
  return texts.slice(0, LABELS_SHOWN).join(" ") + (more > 0 ? ` and ${more} more` : "");
}

function timeText(ms: number): string {
  return Number.isNaN(new Date(ms).getTime()) ? "" : `${new Date(ms).toISOString().slice(0, -5)}Z`;
}
