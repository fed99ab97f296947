/** @returns a number with the name of what it counts, `1 upload`, `2 uploads` */
export function countOf(number: number, one: string): string {
  return `${number} ${number === 1 ? one : `${one}s`}`;
}
