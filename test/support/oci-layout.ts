import { createHash } from "node:crypto";
import { createReadStream } from "node:fs";
import { link, mkdir, readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";

/** A descriptor as OCI manifests and indexes hold it. */
export interface LayoutDescriptor {
  mediaType: string;
  digest: string;
  size: number;
  platform?: { architecture: string; os: string };
  annotations?: Record<string, string>;
}

interface LayoutDocument {
  manifests?: LayoutDescriptor[];
  config?: LayoutDescriptor;
  layers?: LayoutDescriptor[];
}

/** Where an OCI layout keeps a blob. */
export function layoutBlobPath(layout: string, digest: string): string {
  return join(layout, "blobs", ...digest.split(":"));
}

/** The one descriptor in a layout's index.json, or the one with this tag. */
export async function readLayoutRoot(layout: string, tag?: string): Promise<LayoutDescriptor> {
  const index: LayoutDocument = JSON.parse(await readFile(join(layout, "index.json"), "utf8"));
  const roots = (index.manifests ?? []).filter(
    ({ annotations }) => tag === undefined || annotations?.["org.opencontainers.image.ref.name"] === tag,
  );
  const [root] = roots;
  if (root === undefined || roots.length > 1)
    throw new Error(`${layout} has ${roots.length} roots for the tag ${tag ?? "(any)"}`);
  return root;
}

/**
 * Everything that a manifest in a layout refers to, itself included.
 *
 * @returns `digest size` lines, sorted: equal for two layouts exactly if they hold the same image bit for bit
 * @throws {Error} if a blob is missing or its bytes are not those of its digest
 */
export async function listLayoutClosure(layout: string, rootDigest: string): Promise<string[]> {
  const sizes = new Map<string, number>();
  const visit = async (digest: string, isManifest: boolean): Promise<void> => {
    if (sizes.has(digest)) return;
    sizes.set(digest, await checkBlob(layout, digest));
    if (!isManifest) return;
    const document: LayoutDocument = JSON.parse(await readFile(layoutBlobPath(layout, digest), "utf8"));
    for (const child of document.manifests ?? []) await visit(child.digest, true);
    if (document.config !== undefined) await visit(document.config.digest, false);
    for (const layer of document.layers ?? []) await visit(layer.digest, false);
  };
  await visit(rootDigest, true);
  return [...sizes].map(([digest, size]) => `${digest} ${size}`).sort();
}

/** Makes an empty layout. */
export async function createLayout(layout: string): Promise<void> {
  await mkdir(join(layout, "blobs", "sha256"), { recursive: true });
  await writeFile(join(layout, "oci-layout"), '{"imageLayoutVersion":"1.0.0"}');
}

/** Writes a document or other small content as a blob. */
export async function writeLayoutBlob(
  layout: string,
  mediaType: string,
  content: object | string,
): Promise<LayoutDescriptor> {
  const bytes = Buffer.from(typeof content === "string" ? content : JSON.stringify(content));
  const digest = `sha256:${createHash("sha256").update(bytes).digest("hex")}`;
  await writeFile(layoutBlobPath(layout, digest), bytes);
  return { mediaType, digest, size: bytes.length };
}

/** Links everything that a manifest of another layout refers to into this one. */
export async function linkLayoutClosure(from: string, to: string, rootDigest: string): Promise<void> {
  for (const line of await listLayoutClosure(from, rootDigest)) {
    const digest = line.slice(0, line.indexOf(" "));
    await link(layoutBlobPath(from, digest), layoutBlobPath(to, digest)).catch(
      (error: NodeJS.ErrnoException) => {
        if (error.code !== "EEXIST") throw error;
      },
    );
  }
}

/** Writes index.json with one tagged root. */
export async function writeLayoutRoot(layout: string, root: LayoutDescriptor, tag: string): Promise<void> {
  const manifests = [{ ...root, annotations: { "org.opencontainers.image.ref.name": tag } }];
  await writeFile(join(layout, "index.json"), JSON.stringify({ schemaVersion: 2, manifests }));
}

/** The SHA-256 digest of a file's bytes. */
export async function digestFile(path: string): Promise<string> {
  const hash = createHash("sha256");
  await pipeline(createReadStream(path, { highWaterMark: 1 << 20 }), hash);
  return `sha256:${hash.digest("hex")}`;
}

async function checkBlob(layout: string, digest: string): Promise<number> {
  const path = layoutBlobPath(layout, digest);
  const { size } = await stat(path);
  const actual = await digestFile(path);
  if (actual !== digest) throw new Error(`${path} holds the bytes of ${actual}`);
  return size;
}
