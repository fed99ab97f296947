/** Turns paths of the store into keys of the bucket and back. */
export interface KeyMapper {
  /** @returns the key of a checked path; that of `/` is the root directory itself, without a slash at its end */
  keyOf(path: string): string;
  /** @returns the path of a key; undefined outside the root directory */
  pathOf(key: string): string | undefined;
}

/**
 * Keys are those of the Go registry: the root directory and the path, without a slash at the start.
 *
 * @param rootDirectory - without slashes at its ends; empty for the whole bucket
 */
export function keyMapper(rootDirectory: string): KeyMapper {
  if (rootDirectory === "") {
    return { keyOf: (path) => path.slice(1), pathOf: (key) => `/${key}` };
  }
  return {
    keyOf: (path) => (path === "/" ? rootDirectory : rootDirectory + path),
    pathOf(key) {
      const isBelow = key.startsWith(rootDirectory) && key.charCodeAt(rootDirectory.length) === SLASH;
      return isBelow ? key.slice(rootDirectory.length) : undefined;
    },
  };
}

const SLASH = 0x2f;
