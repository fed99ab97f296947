const TWO_32 = 0x1_0000_0000;
const MAX_HIGH = 0x1f_ffff;
const NO_SIZE = 0xffff_ffff;

/** Bytes that are no record, or more than one. */
export class InvalidManifestRecordError extends Error {
  override readonly name: string = "InvalidManifestRecordError";
  constructor(reason: string) {
    super(`invalid manifest record: ${reason}`);
  }
}

/** The value of one lower-case hexadecimal digit; without a branch, which no processor could foresee. */
export function nibble(code: number): number {
  return (code & 0xf) + 9 * (code >>> 6);
}

/** Writes eight bytes. @param size - an integer from 0 to 2^53 - 1, or -1 for "not known" */
export function writeSize(target: Uint8Array, offset: number, size: number): void {
  const low = size >>> 0;
  writeWord(target, offset, low);
  writeWord(target, offset + 4, size < 0 ? NO_SIZE : (size - low) / TWO_32);
}

/** @returns what {@link writeSize} wrote. @throws {InvalidManifestRecordError} */
export function readSize(bytes: Uint8Array, offset: number): number {
  const low = readWord(bytes, offset);
  const high = readWord(bytes, offset + 4);
  if (high <= MAX_HIGH) return high * TWO_32 + low;
  if (high === NO_SIZE && low === NO_SIZE) return -1;
  throw new InvalidManifestRecordError("a size above 2^53");
}

/** Writes four bytes. @param value - from 0 to 2^32 - 1 */
export function writeWord(target: Uint8Array, offset: number, value: number): void {
  target[offset] = value;
  target[offset + 1] = value >>> 8;
  target[offset + 2] = value >>> 16;
  target[offset + 3] = value >>> 24;
}

/** @returns what {@link writeWord} wrote */
export function readWord(bytes: Uint8Array, offset: number): number {
  return (
    ((bytes[offset] ?? 0) |
      ((bytes[offset + 1] ?? 0) << 8) |
      ((bytes[offset + 2] ?? 0) << 16) |
      ((bytes[offset + 3] ?? 0) << 24)) >>>
    0
  );
}
