/** Tells whether `path` is a folder or something in it. */
export function isBelow(path: string, folder: string): boolean {
  return path === folder || path.startsWith(`${folder}/`);
}

/** Tells whether a folder that could not be listed may hide something of a repository. */
export function touches(failedPath: string, repositoryFolder: string): boolean {
  return isBelow(repositoryFolder, failedPath) || failedPath.startsWith(`${repositoryFolder}/_`);
}
