import { createHmac, timingSafeEqual } from "node:crypto";

/** Marks states of ours, so that those of a Go registry on another node are told apart. */
const MARK = "c1.";

/** Signs the Locations of uploads with `http.secret`. */
export class UploadState {
  readonly #secret: string;

  constructor(secret: string) {
    this.#secret = secret;
  }

  /** @returns the value of `_state` in the Location of an upload */
  sign(name: string, uuid: string): string {
    const mac = createHmac("sha256", this.#secret).update(`${name}\n${uuid}`).digest("base64url");
    return MARK + mac;
  }

  /**
   * Tells whether a `_state` may go with an upload. A missing one does, and one that a Go registry made: nodes of both
   * kinds can share a store, and the upload's random id is what keeps strangers out.
   */
  admits(state: string | null, name: string, uuid: string): boolean {
    if (state?.startsWith(MARK) !== true) return true;
    const expected = Buffer.from(this.sign(name, uuid));
    const actual = Buffer.from(state);
    return actual.length === expected.length && timingSafeEqual(actual, expected);
  }
}
