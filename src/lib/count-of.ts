/** @returns a number with the name of what it counts, `1 upload`, `2 uploads` */
export function countOf(number: number, one: string, many: string = `${one}s`): string {
  return `${number} ${number === 1 ? one : many}`;
}
