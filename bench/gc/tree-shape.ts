import { parseArgs } from "node:util";

/** What a synthetic registry holds. The same shape always gives the same bytes. */
export interface TreeShape {
  repositories: number;
  /** Tags per repository. */
  tags: number;
  /** Pushes per repository whose tag a later push took over: without `-m` they stay, with it they go. */
  untagged: number;
  /** Layers per image. */
  layers: number;
  /** How many of an image's layers other images of the repository have too. */
  sharedLayers: number;
  /** How many layers of a repository there are to share. */
  layerPool: number;
  /** Share of pushes that are an index of two images instead of an image; 0 to 1. */
  multiArch: number;
  /** Share of pushes that an artifact, such as a signature, has as its subject; 0 to 1. */
  referrers: number;
  /** Blobs that no repository links. */
  orphans: number;
  seed: number;
}

/** A thousand repositories of 40 images each, half of them untagged: 390,000 files. */
export const TREE_M: TreeShape = {
  repositories: 1000,
  tags: 20,
  untagged: 20,
  layers: 5,
  sharedLayers: 3,
  layerPool: 5,
  multiArch: 0,
  referrers: 0,
  orphans: 0,
  seed: 1,
};

/** One repository of 10,000 images, half of them untagged: 95,010 files. */
export const TREE_K: TreeShape = { ...TREE_M, repositories: 1, tags: 5000, untagged: 5000 };

/** How many pushes each repository has had. */
export function pushesPerRepository(shape: TreeShape): number {
  return shape.tags + shape.untagged;
}

/** A line for people. */
export function describeShape(shape: TreeShape): string {
  const count = (value: number, noun: string) => `${value.toLocaleString("en")} ${noun}`;
  const parts = [
    `${count(shape.repositories, shape.repositories === 1 ? "repository" : "repositories")} of ` +
      `${count(shape.tags, "tags")} and ${count(shape.untagged, "untagged")}`,
    `${count(shape.layers, "layers")}, ${shape.sharedLayers} of them from ${shape.layerPool} of the repository`,
  ];
  if (shape.multiArch > 0) parts.push(`${shape.multiArch * 100} % multi-arch`);
  if (shape.referrers > 0) parts.push(`${shape.referrers * 100} % with a referrer`);
  if (shape.orphans > 0) parts.push(count(shape.orphans, "orphans"));
  return parts.join("; ");
}

/** The flag of each number of a shape. */
const FLAGS = {
  repositories: "repositories",
  tags: "tags",
  untagged: "untagged",
  layers: "layers",
  sharedLayers: "shared-layers",
  layerPool: "layer-pool",
  multiArch: "multi-arch",
  referrers: "referrers",
  orphans: "orphans",
  seed: "seed",
} as const satisfies Record<keyof TreeShape, string>;

/** Flags that {@link parseShape} reads as this shape. */
export function shapeFlags(shape: TreeShape): string[] {
  return shapeKeys().map((key) => `--${FLAGS[key]}=${shape[key]}`);
}

/**
 * Reads flags such as `--repositories 10`; what is not given is as in tree M.
 *
 * @throws {Error} if a flag is unknown, or a number is none or does not fit the others
 */
export function parseShape(args: readonly string[]): TreeShape {
  const options = Object.fromEntries(shapeKeys().map((key) => [FLAGS[key], { type: "string" as const }]));
  const { values } = parseArgs({ args: [...args], options });
  const shape = { ...TREE_M };
  for (const key of shapeKeys()) {
    const text = values[FLAGS[key]];
    if (text !== undefined) shape[key] = parseNumber(FLAGS[key], text);
  }
  return checkShape(shape);
}

/**
 * @returns the shape
 * @throws {Error} if no tree can have it
 */
export function checkShape(shape: TreeShape): TreeShape {
  const { layers, sharedLayers, layerPool, multiArch, referrers, ...counts } = shape;
  for (const [name, count] of Object.entries({ layers, sharedLayers, layerPool, ...counts }))
    if (!Number.isSafeInteger(count) || count < 0)
      throw new Error(`${name}: ${count} is not a whole number from 0 up`);
  for (const [name, share] of Object.entries({ multiArch, referrers }))
    if (!(share >= 0 && share <= 1)) throw new Error(`${name}: ${share} is not a share from 0 to 1`);
  if (sharedLayers > Math.min(layers, layerPool))
    throw new Error(`${sharedLayers} shared layers: an image has ${layers}, the repository ${layerPool}`);
  return shape;
}

function shapeKeys(): (keyof TreeShape)[] {
  return [
    "repositories",
    "tags",
    "untagged",
    "layers",
    "sharedLayers",
    "layerPool",
    "multiArch",
    "referrers",
    "orphans",
    "seed",
  ];
}

function parseNumber(flag: string, text: string): number {
  const number = Number(text);
  if (text.trim() === "" || Number.isNaN(number)) throw new Error(`--${flag}: ${text} is not a number`);
  return number;
}
