import type { UsageKind, UsageRow } from "../../operations/usage/usage-report.ts";

/** One column of the rows of a kind. */
export interface UsageColumn {
  /** As the row has it, and as CSV names it. */
  key: keyof UsageRow;
  /** As tables name it. */
  title: string;
  kind: "text" | "bytes" | "count" | "time";
  /** What a narrow terminal can do without goes from the highest number on; 0: never. */
  spare: number;
}

const SIZE: UsageColumn = { key: "sizeBytes", title: "SIZE", kind: "bytes", spare: 0 };
const UNTAGGED: UsageColumn = { key: "untaggedBytes", title: "UNTAGGED", kind: "bytes", spare: 2 };
const REPOSITORIES: UsageColumn = { key: "repositories", title: "REPOSITORIES", kind: "count", spare: 6 };
const GITLAB: UsageColumn = { key: "gitlabBytes", title: "GITLAB", kind: "bytes", spare: 4 };
const SHARED: UsageColumn = { key: "sharedBytes", title: "SHARED", kind: "bytes", spare: 5 };
const EXCLUSIVE: UsageColumn = { key: "exclusiveBytes", title: "EXCLUSIVE", kind: "bytes", spare: 1 };
const PUSHED: UsageColumn = { key: "lastPushAt", title: "LAST PUSH", kind: "time", spare: 3 };
const TAGS: UsageColumn = { key: "tags", title: "TAGS", kind: "count", spare: 7 };
const MANIFESTS: UsageColumn = { key: "manifests", title: "MANIFESTS", kind: "count", spare: 8 };

/** @returns the columns of rows, the name first */
export function columnsOf(by: UsageKind): UsageColumn[] {
  const name: UsageColumn = { key: "name", title: by.toUpperCase(), kind: "text", spare: 0 };
  switch (by) {
    case "project":
      return [name, SIZE, SHARED, EXCLUSIVE, UNTAGGED, GITLAB, REPOSITORIES, TAGS, MANIFESTS, PUSHED];
    case "repository":
      return [name, SIZE, SHARED, EXCLUSIVE, UNTAGGED, GITLAB, TAGS, MANIFESTS, PUSHED];
    case "tag":
      return [name, SIZE, SHARED, EXCLUSIVE, GITLAB, PUSHED];
    case "layer":
      return [
        name,
        SIZE,
        UNTAGGED,
        REPOSITORIES,
        { key: "mediaType", title: "MEDIA TYPE", kind: "text", spare: 3 },
      ];
    case "media-type":
      return [name, SIZE, UNTAGGED, { key: "blobs", title: "BLOBS", kind: "count", spare: 3 }];
  }
}
