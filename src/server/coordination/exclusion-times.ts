/** How long a removal waits for requests that write something that relies on what goes. */
export const EXCLUDE_WITHIN_MS = 10_000;
/** How long it waits between two looks. */
export const EXCLUDE_PAUSE_MS = 25;
