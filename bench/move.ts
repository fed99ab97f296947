import { mkdir, mkdtemp, readdir, rename, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { execa } from "execa";
import { parseShape } from "./gc/tree-shape.ts";
import { writeTreeByProcesses } from "./gc/write-tree.ts";

const REPOSITORIES = "docker/registry/v2/repositories";
const PROGRAM = new URL("../bin/registry-ctl.js", import.meta.url).pathname;
const TARGET_SECONDS = 5;

/**
 * Measures how long a project of 100 repositories and 4,000 manifests takes to another name: to one that is not there, and,
 * without a target, link by link to one whose repositories are there. Build the program first.
 *
 * @param args - `--folder DIR` for the store (default: the system's temporary folder), and the flags of the tree's shape
 */
export async function move(args: readonly string[]): Promise<void> {
  const { values, tokens } = parseArgs({
    args: [...args],
    options: { folder: { type: "string", default: tmpdir() } },
    strict: false,
    tokens: true,
  });
  const shapeFlags = tokens.flatMap((token) =>
    token.kind === "option" && token.name !== "folder" ? [`--${token.name}=${token.value}`] : [],
  );
  const work = await mkdtemp(join(String(values.folder), "registry-ctl-bench-move-"));
  try {
    const store = join(work, "store");
    await mkdir(store);
    const shape = parseShape(["--repositories=100", ...shapeFlags]);
    await writeTreeByProcesses(store, shape, new AbortController().signal);
    await rename(join(store, REPOSITORIES), join(work, "project"));
    await mkdir(join(store, REPOSITORIES));
    await rename(join(work, "project"), join(store, REPOSITORIES, "one"));
    const config = join(work, "config.yml");
    const storage = `storage:\n  filesystem:\n    rootdirectory: ${store}\n`;
    await writeFile(config, `version: 0.1\n${storage}http:\n  addr: 127.0.0.1:1\n`);
    const run = async (what: string, from: string, to: string, target?: number): Promise<void> => {
      await execa("sync");
      const words = [
        "-c",
        config,
        "--state-dir",
        join(work, "state"),
        "move",
        "--yes",
        "--json",
        "--project",
      ];
      const began = performance.now();
      const { stdout } = await execa(process.execPath, [PROGRAM, ...words, from, to]);
      const seconds = (performance.now() - began) / 1000;
      const { amounts, ways } = JSON.parse(stdout);
      const isMissed = target !== undefined && seconds >= target;
      const verdict = target === undefined ? "no target" : `target: ${target} s${isMissed ? ", MISSED" : ""}`;
      if (isMissed) process.exitCode = 1;
      console.log(
        `${what}: ${amounts.repositories} repositories, ${amounts.manifests} manifests, ${ways.links} link by link: ` +
          `${seconds.toFixed(2)} s (${verdict})`,
      );
    };
    await run("to a name that is not there", "one", "two/three", TARGET_SECONDS);
    for (const group of await readdir(join(store, REPOSITORIES, "two/three"))) {
      for (const name of await readdir(join(store, REPOSITORIES, "two/three", group)))
        await mkdir(join(store, REPOSITORIES, "four", group, name, "_layers"), { recursive: true });
    }
    await run("to names that are there", "two/three", "four");
  } finally {
    await rm(work, { recursive: true, force: true });
  }
}
