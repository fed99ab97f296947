/**
 * For so long the store may still carry out a request whose answer was lost: S3 takes a signature for 15 minutes by its
 * own clock, which may differ from ours by 5, and we wait for an answer for less than 5.
 *
 * @see https://docs.aws.amazon.com/AmazonS3/latest/API/sigv4-auth-using-authorization-header.html
 */
export const UNDECIDED_MS = 25 * 60_000;

/**
 * What stands between a collection and a server that takes writes meanwhile. A key is `digest` (the bytes of a blob) or
 * `repository@digest` (the repository's links to it: layer, revision and tag history).
 *
 * Whatever a request has relied on since `begin` is never condemned, and whoever relies on a condemned key waits for
 * `conclude` and then looks at the store again.
 */
export interface SliceGate {
  /**
   * To be awaited before the store is read for the plan: from then on every process that serves remembers, until the
   * collection ends, all keys that its requests rely on. May be called again, to plan anew.
   *
   * @throws {RegistryStateError} if not every process has answered
   */
  begin(): Promise<void>;
  /**
   * Condemns the keys of a slice (at most 10,000, each once) until it is concluded.
   *
   * @param slice - another number for each
   * @returns those that stay because somebody relies on them; they are not condemned. With them stays what they refer to
   * @throws {RunLostError} if the collection must `begin` again and plan anew; nothing is condemned then
   * @throws {RegistryStateError} if not every process has answered: nothing is condemned then, and it may be tried again
   */
  condemn(slice: number, keys: readonly string[]): Promise<ReadonlySet<string>>;
  /**
   * Ends a slice, when every deletion has a definite outcome, or nothing of it was deleted.
   *
   * @param undecided - keys of which the store may still carry out the deletion, at any time until `undecidedUntilMs`
   *   (milliseconds since 1970): nobody may rely on them before
   */
  conclude(slice: number, undecided?: { keys: readonly string[]; untilMs: number }): Promise<void>;
}
