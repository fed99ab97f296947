import { execa } from "execa";
import { type ProgramName, programPath } from "./programs.ts";
import { LAYOUT_TAG } from "./real-images.ts";

/** A real client that moves images between OCI layouts and registries without changing a bit. */
export interface ImageClient {
  readonly name: ProgramName;
  /** skopeo 1.9 refuses an index inside an index. */
  readonly copiesNestedIndexes: boolean;
  /** Pushes the root of a layout, with everything that it refers to. */
  push(layout: string, reference: string): Promise<void>;
  /** Pulls an image, all platforms of it, into a new layout. */
  pull(reference: string, layout: string): Promise<void>;
}

/** skopeo, crane and oras. */
export const IMAGE_CLIENTS: readonly ImageClient[] = [
  {
    name: "skopeo",
    copiesNestedIndexes: false,
    async push(layout, reference) {
      await skopeoCopy(`oci:${layout}:${LAYOUT_TAG}`, `docker://${reference}`);
    },
    async pull(reference, layout) {
      await skopeoCopy(`docker://${reference}`, `oci:${layout}:${LAYOUT_TAG}`);
    },
  },
  {
    name: "crane",
    copiesNestedIndexes: true,
    async push(layout, reference) {
      await run("crane", ["push", "--insecure", layout, reference]);
    },
    async pull(reference, layout) {
      await run("crane", ["pull", "--insecure", "--format=oci", reference, layout]);
    },
  },
  {
    name: "oras",
    copiesNestedIndexes: true,
    async push(layout, reference) {
      await run("oras", ["cp", "--from-oci-layout", `${layout}:${LAYOUT_TAG}`, "--to-plain-http", reference]);
    },
    async pull(reference, layout) {
      await run("oras", ["cp", "--from-plain-http", reference, "--to-oci-layout", `${layout}:${LAYOUT_TAG}`]);
    },
  },
];

/** `skopeo copy` of all platforms, digests unchanged, over plain HTTP. */
export async function skopeoCopy(from: string, to: string, ...more: string[]): Promise<void> {
  const insecure = ["--src-tls-verify=false", "--dest-tls-verify=false"];
  const exact = more.includes("--format") ? [] : ["--preserve-digests"];
  await run("skopeo", ["copy", "--quiet", "--all", ...exact, ...insecure, ...more, from, to]);
}

/** Runs a real program. @throws {Error} with what it wrote if it fails */
export async function run(name: ProgramName, args: string[], env?: Record<string, string>): Promise<string> {
  const { stdout } = await execa(programPath(name), args, env === undefined ? {} : { env });
  return stdout;
}
