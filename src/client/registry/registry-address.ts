import { UsageError } from "../../errors.ts";
import { parseUrl } from "../../lib/parse-url.ts";

/** Tells whether a text is meant as the address of a registry rather than as a file. */
export function isAddress(text: string): boolean {
  return /^https?:\/\//i.test(text);
}

/**
 * @param text - `https://host[:port][/prefix]`, as before `/v2/`
 * @returns the address, whose path ends in `/`
 * @throws {UsageError} if it is none, or holds a user or password
 */
export function parseAddress(text: string): URL {
  const url = isAddress(text) ? parseUrl(text) : undefined;
  if (url === undefined)
    throw new UsageError("the address of a registry is https://host, with port and prefix if need be");
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(
      `the address of ${url.host} must hold no user and no password: others can see the command line`,
      {
        hint: "name a file with --auth-file, or put them into the environment: see registry-ctl(1)",
      },
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw new UsageError(`${url.origin}${url.pathname} is an address, and what follows it is none`);
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/v2$/, "")}/`;
  return url;
}
