import { csvLine } from "../../lib/csv.ts";
import { printableJson, printableLine } from "../../lib/printable.ts";
import { formatBytes } from "../../lib/units.ts";
import { createdMs, type ListedTags } from "../../operations/tags/list-tags.ts";
import type { TagFacts } from "../../operations/tags/tag-source.ts";
import { renderTable } from "../../ui/table.ts";

/** `sha256:` and twelve digits, as Docker shows digests. */
const SHORT_DIGEST_CHARS = 19;
/** Other tags on a digest that a table names; the others are counted. */
const SIBLINGS_SHOWN = 2;
/** The same in JSON and CSV: of thousands of tags on one digest each would name all the others. */
const SIBLINGS_LISTED = 100;

/** Gives the names alone, with the repository in front if there are several. */
export function* renderNames(listed: readonly ListedTags[]): Generator<string> {
  for (const { repository, names } of listed)
    for (const name of names) yield `${listed.length > 1 ? `${repository}:` : ""}${name}\n`;
}

const HEADINGS = ["TAG", "DIGEST", "PLATFORMS", "SIZE", "CREATED", "PUSHED", "SAME DIGEST"];

/** Gives an aligned table for people, and how many there are. */
export function* renderListTable(listed: readonly ListedTags[]): Generator<string> {
  const hasSeveral = listed.length > 1;
  const rows = listed.flatMap(({ repository, tags }) =>
    tags.map((tag) => [...(hasSeveral ? [repository] : []), ...rowOf(tag)].map(printableLine)),
  );
  if (rows.length === 0) return;
  const headings = hasSeveral ? ["REPOSITORY", ...HEADINGS] : HEADINGS;
  yield `${renderTable(headings, rows, [headings.indexOf("SIZE")])}\n`;
}

/** Gives lines of CSV, the names of the columns first. */
export function* renderListCsv(listed: readonly ListedTags[]): Generator<string> {
  yield "repository,tag,digest,media_type,platforms,size_bytes,created,pushed,siblings\n";
  for (const { repository, tags } of listed) {
    for (const tag of tags) {
      yield csvLine([
        ...[repository, tag.name, tag.digest, tag.mediaType ?? "", tag.platforms.join(" ")],
        ...[tag.sizeBytes ?? "", timeText(createdMs(tag)), timeText(tag.pushedMs)],
        tag.siblings.slice(0, SIBLINGS_LISTED).join(" "),
      ]);
    }
  }
}

/** Gives the one document of `--json`, on one line. */
export function* renderListJson(listed: readonly ListedTags[], location: string): Generator<string> {
  yield `{"schemaVersion":1,"command":"tags list","location":${printableJson(location)},"repositories":[`;
  for (const [index, { repository, count, names, tags, broken }] of listed.entries()) {
    yield `${index > 0 ? "," : ""}{"repository":${printableJson(repository)},"count":${count},"tags":[`;
    for (const [place, tag] of tags.entries()) yield `${place > 0 ? "," : ""}${printableJson(jsonOf(tag))}`;
    yield `],"names":${printableJson(names)},"broken":${printableJson(broken)}}`;
  }
  yield "]}\n";
}

function jsonOf(tag: TagFacts): Record<string, unknown> {
  const { name, digest, mediaType, platforms, sizeBytes, created, pushedMs, siblings, isManifestMissing } =
    tag;
  return {
    ...{ name, digest, mediaType, platforms, sizeBytes },
    created: timeText(createdMs(tag)) || undefined,
    ...(created.kind === "unreadable" ? { unreadable: created.reason } : {}),
    pushed: timeText(pushedMs) || undefined,
    siblings: siblings.slice(0, SIBLINGS_LISTED),
    siblingCount: siblings.length,
    isManifestMissing,
  };
}

function rowOf(tag: TagFacts): string[] {
  const { name, digest, platforms, sizeBytes, pushedMs, siblings } = tag;
  const more = siblings.length - SIBLINGS_SHOWN;
  return [
    name,
    digest.slice(0, SHORT_DIGEST_CHARS),
    platforms.join(" "),
    sizeBytes === undefined ? "" : formatBytes(sizeBytes),
    createdText(tag),
    timeText(pushedMs),
    siblings.slice(0, SIBLINGS_SHOWN).join(" ") + (more > 0 ? ` and ${more} more` : ""),
  ];
}

function createdText(tag: TagFacts): string {
  if (tag.isManifestMissing) return "manifest missing";
  return tag.created.kind === "unreadable" ? "unreadable" : timeText(createdMs(tag));
}

/** To the second, in UTC; empty for a time that nobody knows, or that no calendar has. */
function timeText(ms: number | undefined): string {
  return ms === undefined || Number.isNaN(new Date(ms).getTime())
    ? ""
    : `${new Date(ms).toISOString().slice(0, -5)}Z`;
}
