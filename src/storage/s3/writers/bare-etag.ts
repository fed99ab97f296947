/** @returns an ETag without its quotes, which stores set here and leave out there */
export function bareEtag(etag: string | undefined): string {
  return (etag ?? "").replaceAll('"', "");
}
