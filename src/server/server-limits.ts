/** The bounds that keep one client, or many slow ones, from stopping the others. Times are in milliseconds. */
export interface ServerLimits {
  /** From the connection, or the end of the last request, to the end of a request's headers. */
  headersTimeoutMs: number;
  /** How long an idle connection is kept. Longer than the 60 s of common proxies, so that they close first. */
  keepAliveTimeoutMs: number;
  /** How often Node looks for connections past `headersTimeoutMs`. */
  connectionsCheckMs: number;
  /** The longest time without a byte of an upload's body. */
  uploadIdleTimeoutMs: number;
  /** From the first to the last byte of a manifest's body. */
  manifestBodyTimeoutMs: number;
  /** The longest time that a client may take for one buffer of a download. */
  downloadIdleTimeoutMs: number;
  /** How long what a client still sends after its refusal is thrown away before the connection is closed. */
  lingerMs: number;
  /** All header lines of a request together. */
  maxHeaderBytes: number;
  /** Requests that one connection of HTTP/2 may have open at a time. */
  http2Streams: number;
  /** Bytes of each body that a client may send over HTTP/2 before we have read them, so what one body may hold. */
  http2WindowBytes: number;
  /** The largest manifest that is taken; the spec asks for at least 4 MiB. */
  maxManifestBytes: number;
  /** All manifest bodies that one process holds at a time. */
  manifestMemoryBytes: number;
  /** Downloads of one process that are given large buffers; further ones get small ones. */
  largeBufferDownloads: number;
  /** Nesting of indexes that are looked through for what must be protected while one is pushed. */
  maxIndexNesting: number;
  /** Tags in one push by digest; the spec asks for at least 10. */
  maxTagParameters: number;
}

/** The values of a server in production. */
export const DEFAULT_LIMITS: ServerLimits = {
  headersTimeoutMs: 60_000,
  keepAliveTimeoutMs: 75_000,
  connectionsCheckMs: 10_000,
  uploadIdleTimeoutMs: 120_000,
  manifestBodyTimeoutMs: 60_000,
  downloadIdleTimeoutMs: 300_000,
  lingerMs: 5_000,
  maxHeaderBytes: 32 * 1024,
  http2Streams: 100,
  http2WindowBytes: 512 * 1024,
  maxManifestBytes: 4 * 1024 * 1024,
  manifestMemoryBytes: 64 * 1024 * 1024,
  largeBufferDownloads: 16,
  maxIndexNesting: 8,
  maxTagParameters: 100,
};
