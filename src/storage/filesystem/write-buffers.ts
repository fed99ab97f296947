/** The size of the buffers in which small chunks are gathered before they go to disk. */
export const WRITE_BUFFER_BYTES = 256 * 1024;
/** So many are kept for the next writer (4 MiB); each fast writer has two in hand. */
const SPARE_BUFFERS = 16;

const spares: Uint8Array[] = [];

/** @returns a buffer of {@link WRITE_BUFFER_BYTES} with whatever is in it, the caller's until it gives it back */
export function takeBuffer(): Uint8Array {
  return spares.pop() ?? Buffer.allocUnsafeSlow(WRITE_BUFFER_BYTES);
}

/** Gives back a buffer, which the caller must not touch any more. */
export function giveBackBuffer(buffer: Uint8Array): void {
  if (spares.length < SPARE_BUFFERS) spares.push(buffer);
}
