/** Reversed polynomials. */
const CRC32C_POLYNOMIAL = 0x82f63b78;
const CRC64_NVME_POLYNOMIAL = 0x9a6c9329ac4bc9b5n;

let crc32cTable: Uint32Array | undefined;

/**
 * CRC-32C (Castagnoli), which iSCSI has too. For small bodies.
 *
 * @see https://www.rfc-editor.org/rfc/rfc3720#section-12.1
 */
export function crc32c(body: Uint8Array): number {
  crc32cTable ??= makeCrc32cTable();
  let crc = 0xffffffff;
  for (const byte of body) crc = (crc >>> 8) ^ (crc32cTable[(crc ^ byte) & 0xff] ?? 0);
  return ~crc >>> 0;
}

function makeCrc32cTable(): Uint32Array {
  return Uint32Array.from({ length: 256 }, (_empty, index) => {
    let value = index;
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >>> 1) ^ CRC32C_POLYNOMIAL : value >>> 1;
    return value;
  });
}

let crc64Tables: { high: Uint32Array; low: Uint32Array } | undefined;

/**
 * CRC-64/NVME. For small bodies.
 *
 * @returns its eight bytes in base64, as S3 wants them
 * @see https://nvmexpress.org/specification/nvm-command-set-specification/
 */
export function crc64Nvme(body: Uint8Array): string {
  crc64Tables ??= makeCrc64Tables();
  const tables = crc64Tables;
  // Two halves, since numbers have 53 bits and BigInt is slow.
  let high = 0xffffffff;
  let low = 0xffffffff;
  for (const byte of body) {
    const index = (low ^ byte) & 0xff;
    low = ((low >>> 8) | (high << 24)) ^ (tables.low[index] ?? 0);
    high = (high >>> 8) ^ (tables.high[index] ?? 0);
  }
  const bytes = Buffer.allocUnsafe(8);
  bytes.writeUInt32BE(~high >>> 0, 0);
  bytes.writeUInt32BE(~low >>> 0, 4);
  return bytes.toString("base64");
}

function makeCrc64Tables(): { high: Uint32Array; low: Uint32Array } {
  const high = new Uint32Array(256);
  const low = new Uint32Array(256);
  for (let index = 0; index < 256; index++) {
    let value = BigInt(index);
    for (let bit = 0; bit < 8; bit++) {
      value = value & 1n ? (value >> 1n) ^ CRC64_NVME_POLYNOMIAL : value >> 1n;
    }
    high[index] = Number(value >> 32n);
    low[index] = Number(value & 0xffffffffn);
  }
  return { high, low };
}
