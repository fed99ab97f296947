import { createReadStream, createWriteStream } from "node:fs";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { pipeline } from "node:stream/promises";
import { createGunzip } from "node:zlib";
import { execa } from "execa";
import { programPath } from "./programs.ts";

/** Fixed, so that an image built twice from the same packages is the same. */
const CREATED = "2024-01-01T00:00:00Z";

/** What the layers of an image are made of. */
export interface LayerSource {
  /** `.deb` and npm `.tgz` files: one layer each. */
  packages?: string[];
  /** `.deb` files: one layer of all of them. */
  merged?: string[];
  /** Where there are none of these: one layer of this folder of the system. */
  fallbackFolder: string;
}

/** Builds an image of one platform with umoci, as an OCI layout with the tag `v1`. */
export async function buildPlatformLayout(
  layout: string,
  architecture: string,
  source: LayerSource,
): Promise<void> {
  const work = await mkdtemp(join(tmpdir(), "registry-ctl-layer-"));
  const umoci = (...args: string[]) => execa(programPath("umoci"), args);
  try {
    await umoci("init", "--layout", layout);
    await umoci("new", "--image", `${layout}:v1`);
    for (const tar of await writeTars(work, source))
      await umoci("raw", "add-layer", "--history.created", CREATED, "--image", `${layout}:v1`, tar);
    await umoci(
      ...["config", "--image", `${layout}:v1`, "--architecture", architecture, "--os", "linux"],
      ...["--created", CREATED, "--history.created", CREATED],
    );
    // The manifests between one layer and the next.
    await umoci("gc", "--layout", layout);
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}

async function writeTars(work: string, source: LayerSource): Promise<string[]> {
  const tars: string[] = [];
  for (const file of source.packages ?? []) {
    const tar = join(work, `${tars.length}.tar`);
    if (file.endsWith(".deb"))
      await execa("dpkg-deb", ["--fsys-tarfile", file], { stdout: { file: tar }, buffer: false });
    else await pipeline(createReadStream(file), createGunzip(), createWriteStream(tar));
    tars.push(tar);
  }
  if (source.merged !== undefined && source.merged.length > 0) {
    const root = join(work, "root");
    for (const file of source.merged) await execa("dpkg-deb", ["-x", file, root]);
    tars.push(await tarFolder(root, join(work, "merged.tar")));
  }
  if (tars.length === 0) tars.push(await tarFolder(source.fallbackFolder, join(work, "fallback.tar")));
  return tars;
}

async function tarFolder(folder: string, tar: string): Promise<string> {
  const reproducible = ["--sort=name", `--mtime=${CREATED}`, "--owner=0", "--group=0", "--numeric-owner"];
  await execa("tar", [...reproducible, "-cf", tar, "-C", folder, "."]);
  return tar;
}
