/** The name of a repository that is held, alone or with all below it. */
export interface HeldName {
  name: string;
  isProject: boolean;
}

/** Tells whether a repository is among held names. */
export function isHeld(held: readonly HeldName[], repository: string): boolean {
  return held.some(
    ({ name, isProject }) => repository === name || (isProject && repository.startsWith(`${name}/`)),
  );
}
