import type { ScanAsides, ScanFailure, ScannedFile } from "../../src/storage/abilities.ts";
import type { StorageDriver } from "../../src/storage/driver.ts";
import { MemoryDriver } from "../../src/storage/memory/memory-driver.ts";
import { RegistryTree } from "./registry-tree.ts";

/** Ten repositories that share some of their images, three tags each, and an untagged image with a layer of its own. */
export async function buildSharedImages(driver: StorageDriver): Promise<{ manifests: number; tags: number }> {
  const tree = new RegistryTree(driver);
  for (let number = 0; number < 10; number++) {
    const repository = tree.repository(`group/r${number}`);
    for (const tag of ["a", "b", "c"]) await repository.image(`shared ${tag}`, [`layer ${tag}`], { tag });
    await repository.image(`untagged ${number}`, [`dead layer ${number}`]);
  }
  return { manifests: 3 + 10, tags: 30 };
}

/** Deletes of some files are answered as done and have no effect, as under a retention rule. */
export class RetainingDriver extends MemoryDriver {
  retained: (path: string) => boolean = () => false;

  override async deleteMany(paths: readonly string[]): Promise<{ path: string; error: unknown }[]> {
    return super.deleteMany(paths.filter((path) => !this.retained(path)));
  }
}

/** Its listings can be changed. */
export class OddListing extends MemoryDriver {
  change: (path: string, files: ScannedFile[], asides: ScanAsides | undefined) => ScannedFile[] = (
    _,
    files,
  ) => files;
  failing: ((path: string) => ScanFailure | undefined) | undefined;

  override async *scan(
    path: string,
    onFailure: (failure: ScanFailure) => void = () => {},
    asides?: ScanAsides,
  ): AsyncGenerator<ScannedFile[]> {
    for await (const batch of super.scan(path, onFailure, asides)) yield this.change(path, batch, asides);
    const failure = this.failing?.(path);
    if (failure) onFailure(failure);
  }
}
