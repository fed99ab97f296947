import { join } from "node:path";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { RegistryTree } from "./registry-tree.ts";
import { writeServeConfig } from "./serve-process.ts";
import { temporaryFolder } from "./temporary-folder.ts";

/** Makes a store on disk with these repositories, each with one tag `latest`, and a configuration for it. */
export async function storeOf(
  repositories: readonly string[],
): Promise<{ folder: string; configPath: string; tree: RegistryTree }> {
  const folder = await temporaryFolder();
  const rootDirectory = join(folder, "store");
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory }));
  for (const name of repositories)
    await tree.repository(name).image(name, [`layer of ${name}`], { tag: "latest" });
  return { folder, configPath: await writeServeConfig({ rootDirectory, port: 5000 }), tree };
}
