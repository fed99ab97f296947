import { rm } from "node:fs/promises";
import { join } from "node:path";
import { expect } from "vitest";
import { IMAGE_CLIENTS, type ImageClient, run } from "./image-clients.ts";
import { listLayoutClosure } from "./oci-layout.ts";
import type { RealImage } from "./real-images.ts";
import type { ServerProcess } from "./server-process.ts";

/** `repository:tag` with the image that must be there. */
export type Contents = Map<string, RealImage>;

/** Pushes an image with oras, with all that it refers to, and remembers that it must be there. */
export async function pushContent(
  server: ServerProcess,
  contents: Contents,
  reference: string,
  image: RealImage,
): Promise<void> {
  await client("oras").push(image.layout, `${server.address}/${reference}`);
  contents.set(reference, image);
}

/** Every tag is pulled with everything that it refers to, and all bytes are compared. */
export async function expectAll(server: ServerProcess, contents: Contents, folder: string): Promise<void> {
  const pulled = join(folder, "pulled");
  for (const [reference, image] of contents) {
    await client("crane").pull(`${server.address}/${reference}`, pulled);
    expect(await listLayoutClosure(pulled, image.root.digest), reference).toEqual(
      await listLayoutClosure(image.layout, image.root.digest),
    );
    await rm(pulled, { recursive: true });
  }
  const repositories = await run("crane", ["catalog", "--insecure", server.address]);
  for (const reference of contents.keys())
    expect(repositories.split("\n")).toContain(reference.slice(0, reference.indexOf(":")));
}

function client(name: string): ImageClient {
  const found = IMAGE_CLIENTS.find((candidate) => candidate.name === name);
  if (found === undefined) throw new Error(`no client ${name}`);
  return found;
}
