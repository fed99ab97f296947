import { UsageError } from "../../errors.ts";

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
  let url: URL;
  try {
    url = new URL(text);
  } catch (cause) {
    throw new UsageError("the address of a registry is https://host, with port and prefix if need be", {
      cause,
    });
  }
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(
      `the address of ${url.host} must hold no user and no password: others can see the command line`,
      {
        hint: "name a file with --auth-file, or set REGISTRY_CTL_FROM_USERNAME and REGISTRY_CTL_FROM_PASSWORD",
      },
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw new UsageError(`${url.origin}${url.pathname} is an address, and what follows it is none`);
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/v2$/, "")}/`;
  return url;
}
