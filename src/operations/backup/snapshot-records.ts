import { type Digest, isDigest } from "../../oci/digest.ts";
import { isTag } from "../../oci/reference.ts";
import { isStoredName } from "../../registry/parked.ts";
import { asRecord, isText, isTime } from "../../state/json-fields.ts";
import { isSnapshotId, type SnapshotId } from "./backup-layout.ts";

/** The first line of a snapshot. */
export interface SnapshotHeader {
  type: "snapshot";
  schemaVersion: 1;
  id: SnapshotId;
  /** When the tags were read, ISO 8601, UTC. */
  createdAt: string;
  /** What people call the store that was backed up. */
  source: string;
  /** Configs and layers were not copied for it. */
  metadataOnly: boolean;
  /** Manifests that no tag needs are not in it. */
  tagsOnly: boolean;
}

/** What a link points to, and when it was written by the store's clock: 0 if that is not known. */
export interface SnapshotLink {
  digest: Digest;
  modifiedMs: number;
}

/** A tag of a snapshot. */
export interface SnapshotTag extends SnapshotLink {
  name: string;
  /** What else it has pointed to. */
  history: SnapshotLink[];
}

/** A manifest of a snapshot. */
export interface SnapshotManifest extends SnapshotLink {
  sizeBytes: number;
}

/** A config or layer of a snapshot. */
export interface SnapshotLayer extends SnapshotLink {
  /** -1 if it is not known. */
  sizeBytes: number;
  /** Under which digest the bytes are stored, where its link names another one. */
  storedAs: Digest;
}

/** All that a snapshot has of one repository. */
export interface SnapshotRepository {
  type: "repository";
  name: string;
  tags: SnapshotTag[];
  manifests: SnapshotManifest[];
  layers: SnapshotLayer[];
}

/** Something that is not in a snapshot as it should be. */
export interface BackupProblem {
  /**
   * `missing`: the source does not have it; `damaged`: its bytes are not what its name says; `failed`: it could not be read;
   * `unreadable`: a tag's link says nothing; `unlisted`: a folder could not be listed.
   */
  kind: "missing" | "damaged" | "failed" | "unreadable" | "unlisted";
  repository?: string;
  /** What cannot be pulled for it. */
  tags: string[];
  digest?: string;
  path?: string;
  detail: string;
}

/** What is in a snapshot. */
export interface SnapshotCounts {
  repositories: number;
  tags: number;
  manifests: number;
  /** Different ones: manifests, configs and layers that are in the backup for it. */
  blobs: number;
  /** Of these. */
  bytes: number;
}

/** The last line of a snapshot. */
export interface SnapshotEnd {
  type: "end";
  finishedAt: string;
  counts: SnapshotCounts;
  /** The first thousand. */
  problems: BackupProblem[];
  problemCount: number;
  /** Of all bytes before this line, 64 hexadecimal digits. */
  sha256: string;
}

/** A line of a snapshot. */
export type SnapshotRecord = SnapshotHeader | SnapshotRepository | SnapshotEnd;

type LinkFields = [digest: string, modifiedMs: number];

/** @returns the line of a record, with its end: one that {@link parseSnapshotRecord} takes for the same */
export function renderSnapshotRecord(record: SnapshotRecord): string {
  if (record.type !== "repository") return `${JSON.stringify(record)}\n`;
  const { type, name, tags, manifests, layers } = record;
  const link = ({ digest, modifiedMs }: SnapshotLink): LinkFields => [digest, modifiedMs];
  return `${JSON.stringify({
    type,
    name,
    tags: tags.map((tag) => [tag.name, ...link(tag), tag.history.map(link)]),
    manifests: manifests.map((manifest) => [...link(manifest), manifest.sizeBytes]),
    layers: layers.map((layer) => [
      ...link(layer),
      layer.sizeBytes,
      ...(layer.storedAs === layer.digest ? [] : [layer.storedAs]),
    ]),
  })}\n`;
}

/**
 * @returns what a line says, every name and digest in it checked: they become paths
 * @throws {Error} with the reason, if it is no line of a snapshot
 */
export function parseSnapshotRecord(line: string): SnapshotRecord {
  const fields = asRecord(JSON.parse(line));
  switch (fields?.["type"]) {
    case "snapshot":
      return parseHeader(fields);
    case "repository":
      return parseRepository(fields);
    case "end":
      return parseEnd(fields);
    default:
      throw new Error("a line is of no known type");
  }
}

function parseHeader(fields: Record<string, unknown>): SnapshotHeader {
  const { schemaVersion, id, createdAt, source, metadataOnly, tagsOnly } = fields;
  if (schemaVersion !== 1) throw new Error(`its format ${JSON.stringify(schemaVersion)} is not known`);
  if (!isText(id) || !isSnapshotId(id) || !isTime(createdAt) || !isText(source)) {
    throw new Error("its first line is damaged");
  }
  return {
    ...{ type: "snapshot", schemaVersion: 1, id, createdAt, source },
    metadataOnly: metadataOnly === true,
    tagsOnly: tagsOnly === true,
  };
}

function parseRepository(fields: Record<string, unknown>): SnapshotRepository {
  const { name } = fields;
  if (!isText(name) || !isStoredName(name)) {
    throw new Error(`${JSON.stringify(name)?.slice(0, 300)} is no name of a repository`);
  }
  return {
    type: "repository",
    name,
    tags: listOf(fields["tags"]).map(parseTag),
    manifests: listOf(fields["manifests"]).map((item) => {
      const [digest, modifiedMs, sizeBytes] = listOf(item);
      return { ...parseLink(digest, modifiedMs), sizeBytes: sizeOf(sizeBytes) };
    }),
    layers: listOf(fields["layers"]).map((item) => {
      const [digest, modifiedMs, sizeBytes, storedAs = digest] = listOf(item);
      return { ...parseLink(digest, modifiedMs), sizeBytes: sizeOf(sizeBytes), storedAs: digestIn(storedAs) };
    }),
  };
}

function parseTag(item: unknown): SnapshotTag {
  const [name, digest, modifiedMs, history] = listOf(item);
  if (!isText(name) || !isTag(name)) throw new Error(`${JSON.stringify(name)?.slice(0, 300)} is no tag`);
  const links = listOf(history).map((each) => {
    const [earlier, earlierMs] = listOf(each);
    return parseLink(earlier, earlierMs);
  });
  return { name, ...parseLink(digest, modifiedMs), history: links };
}

function parseEnd(fields: Record<string, unknown>): SnapshotEnd {
  const { finishedAt, problemCount, sha256 } = fields;
  const counts = asRecord(fields["counts"]) ?? {};
  if (!isTime(finishedAt) || !isText(sha256)) throw new Error("its last line is damaged");
  return {
    type: "end",
    finishedAt,
    counts: {
      repositories: numberIn(counts["repositories"]),
      tags: numberIn(counts["tags"]),
      manifests: numberIn(counts["manifests"]),
      blobs: numberIn(counts["blobs"]),
      bytes: numberIn(counts["bytes"]),
    },
    problems: listOf(fields["problems"]).map(parseProblem),
    problemCount: numberIn(problemCount),
    sha256,
  };
}

const PROBLEM_KINDS: readonly string[] = ["missing", "damaged", "failed", "unreadable", "unlisted"];

function parseProblem(item: unknown): BackupProblem {
  const { kind, repository, tags, digest, path, detail } = asRecord(item) ?? {};
  if (!isProblemKind(kind)) throw new Error("its last line is damaged");
  return {
    kind,
    tags: listOf(tags).filter(isText),
    detail: isText(detail) ? detail : "",
    ...(isText(repository) ? { repository } : {}),
    ...(isText(digest) ? { digest } : {}),
    ...(isText(path) ? { path } : {}),
  };
}

function isProblemKind(value: unknown): value is BackupProblem["kind"] {
  return isText(value) && PROBLEM_KINDS.includes(value);
}

function parseLink(digest: unknown, modifiedMs: unknown): SnapshotLink {
  return { digest: digestIn(digest), modifiedMs: numberIn(modifiedMs) };
}

function digestIn(value: unknown): Digest {
  if (isText(value) && isDigest(value)) return value;
  throw new Error(`${JSON.stringify(value)?.slice(0, 300)} is no digest`);
}

function numberIn(value: unknown): number {
  if (typeof value === "number" && Number.isSafeInteger(value) && value >= 0) return value;
  throw new Error(`${JSON.stringify(value)?.slice(0, 100)} is no amount`);
}

function sizeOf(value: unknown): number {
  return value === -1 ? -1 : numberIn(value);
}

function listOf(value: unknown): readonly unknown[] {
  if (Array.isArray(value)) return value;
  throw new Error("a list is missing");
}
