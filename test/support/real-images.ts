import { createHash } from "node:crypto";
import { mkdir, mkdtemp, readdir, readFile, rename, rm, rmdir, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { buildPlatformLayout } from "./build-platform-layout.ts";
import {
  createLayout,
  type LayoutDescriptor,
  linkLayoutClosure,
  readLayoutRoot,
  writeLayoutBlob,
  writeLayoutRoot,
} from "./oci-layout.ts";

const INDEX = "application/vnd.oci.image.index.v1+json";
const MANIFEST = "application/vnd.oci.image.manifest.v1+json";
const EMPTY = "application/vnd.oci.empty.v1+json";
const PLATFORMS = ["amd64", "arm64", "s390x"] as const;

/** The tag that each layout's root has. */
export const LAYOUT_TAG = "v1";

/** An image on disk, in a layout of its own, since some clients take only layouts with one root. */
export interface RealImage {
  layout: string;
  root: LayoutDescriptor;
}

/** Images made of real Debian packages and npm tarballs. */
export interface RealImages {
  /** One platform; layers from an npm tarball of 1 KiB up. */
  single: RealImage;
  /** One platform, one layer of nearly 300 MiB. */
  big: RealImage;
  /** An index of three platforms. */
  threePlatforms: RealImage;
  /** An index that holds the three-platform index and the single image. */
  nested: RealImage;
  /** An artifact whose subject is the three-platform index. */
  artifact: RealImage;
  /** What cosign pushes as a tag `sha256-<hex>.sig` for the three-platform index. */
  signature: RealImage;
}

/**
 * The images, built by the first test that asks and kept in the folder for temporary files, keyed by their recipe.
 * Where package mirrors cannot be reached they are made of this system's own files. Needs umoci.
 */
export async function realImages(): Promise<RealImages> {
  const folder = join(tmpdir(), `registry-ctl-real-images-${await recipeKey()}`);
  await buildOnce(folder, async (building) => {
    const content = join(building, "content");
    await fetchContent(content);
    await buildImages(building, content);
    await rm(content, { recursive: true, force: true });
  });
  const image = async (name: string): Promise<RealImage> => {
    const layout = join(folder, name);
    return { layout, root: await readLayoutRoot(layout, LAYOUT_TAG) };
  };
  return {
    single: await image("single"),
    big: await image("big"),
    threePlatforms: await image("three-platforms"),
    nested: await image("nested"),
    artifact: await image("artifact"),
    signature: await image("signature"),
  };
}

async function recipeKey(): Promise<string> {
  const hash = createHash("sha256");
  for (const name of ["real-images.ts", "build-platform-layout.ts", "oci-layout.ts", "fetch-packages.sh"])
    hash.update(await readFile(new URL(name, import.meta.url)));
  return hash.digest("hex").slice(0, 16);
}

/** One process builds, others wait; a half-built folder is never seen under the final name. */
async function buildOnce(folder: string, build: (building: string) => Promise<void>): Promise<void> {
  const lock = `${folder}.lock`;
  while (!(await exists(folder))) {
    const gotLock = await mkdir(lock).then(
      () => true,
      () => false,
    );
    if (!gotLock) {
      // A builder that died leaves its lock.
      const age = Date.now() - ((await stat(lock).catch(() => undefined))?.mtimeMs ?? Date.now());
      if (age > 300_000) await rmdir(lock).catch(() => undefined);
      await new Promise((resolve) => setTimeout(resolve, 200));
      continue;
    }
    const building = await mkdtemp(`${folder}.building-`);
    try {
      await build(building);
      await rename(building, folder);
    } finally {
      await rm(building, { recursive: true, force: true });
      await rmdir(lock).catch(() => undefined);
    }
  }
}

/** Real packages, or, where they cannot be fetched, nothing: the layers are then made of this system's files. */
async function fetchContent(content: string): Promise<void> {
  await mkdir(content);
  const script = fileURLToPath(new URL("fetch-packages.sh", import.meta.url));
  const { exitCode, stderr } = await execa("bash", [script, content], { reject: false });
  if (exitCode === 0) return;
  process.stderr.write(
    `real packages cannot be fetched (${stderr.split("\n").at(-1)}): using this system's files\n`,
  );
  await rm(content, { recursive: true });
  await mkdir(content);
}

async function buildImages(folder: string, content: string): Promise<void> {
  const npm = await listFiles(join(content, "npm"));
  const big = await listFiles(join(content, "big"));
  const platforms: LayoutDescriptor[] = [];
  for (const architecture of PLATFORMS) {
    const layout = join(folder, architecture);
    const packages = await listFiles(join(content, architecture));
    await buildPlatformLayout(layout, architecture, { packages, fallbackFolder: "/usr/share/zoneinfo" });
    const root = await readLayoutRoot(layout, LAYOUT_TAG);
    platforms.push({ ...bare(root), platform: { architecture, os: "linux" } });
  }
  await buildPlatformLayout(join(folder, "single"), "amd64", {
    packages: npm,
    fallbackFolder: "/usr/share/perl5",
  });
  await buildPlatformLayout(join(folder, "big"), "amd64", { merged: big, fallbackFolder: "/usr/bin" });
  const single = bare(await readLayoutRoot(join(folder, "single"), LAYOUT_TAG));

  const indexLayout = join(folder, "three-platforms");
  const index = await writeImage(
    indexLayout,
    { schemaVersion: 2, mediaType: INDEX, manifests: platforms },
    platforms.map(({ digest, platform }) => [join(folder, platform?.architecture ?? ""), digest]),
  );
  await writeImage(
    join(folder, "nested"),
    { schemaVersion: 2, mediaType: INDEX, manifests: [index, single] },
    [
      [indexLayout, index.digest],
      [join(folder, "single"), single.digest],
    ],
  );
  await writeArtifacts(folder, index);
}

async function writeArtifacts(folder: string, subject: LayoutDescriptor): Promise<void> {
  const artifact = join(folder, "artifact");
  await createLayout(artifact);
  const config = await writeLayoutBlob(artifact, EMPTY, "{}");
  const sbom = await writeLayoutBlob(artifact, "application/spdx+json", {
    spdxVersion: "SPDX-2.3",
    packages: [],
  });
  await writeImage(artifact, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    artifactType: "application/spdx+json",
    config,
    layers: [sbom],
    subject,
  });
  const signature = join(folder, "signature");
  await createLayout(signature);
  const signatureConfig = await writeLayoutBlob(signature, "application/vnd.oci.image.config.v1+json", {
    architecture: "",
    os: "",
    config: {},
    rootfs: { type: "layers", diff_ids: [] },
  });
  const payload = await writeLayoutBlob(signature, "application/vnd.dev.cosign.simplesigning.v1+json", {
    critical: {
      image: { "docker-manifest-digest": subject.digest },
      type: "cosign container image signature",
    },
  });
  await writeImage(signature, {
    schemaVersion: 2,
    mediaType: MANIFEST,
    config: signatureConfig,
    layers: [{ ...payload, annotations: { "dev.cosignproject.cosign/signature": "MEUCIQ==" } }],
  });
}

async function writeImage(
  layout: string,
  manifest: { mediaType: string; [field: string]: unknown },
  from: [layout: string, digest: string][] = [],
): Promise<LayoutDescriptor> {
  await createLayout(layout);
  for (const [source, digest] of from) await linkLayoutClosure(source, layout, digest);
  const root = await writeLayoutBlob(layout, manifest.mediaType, manifest);
  await writeLayoutRoot(layout, root, LAYOUT_TAG);
  return root;
}

function bare({ mediaType, digest, size }: LayoutDescriptor): LayoutDescriptor {
  return { mediaType, digest, size };
}

async function listFiles(folder: string): Promise<string[]> {
  const names = await readdir(folder).catch(() => []);
  return names.sort().map((name) => join(folder, name));
}

async function exists(path: string): Promise<boolean> {
  return stat(path).then(
    () => true,
    () => false,
  );
}
