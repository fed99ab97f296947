import { isIP } from "node:net";
import { UsageError } from "../../errors.ts";

const HINT = "give the address that people open in a browser, such as https://gitlab.example.com";

/**
 * @param text - `https://host[:port][/prefix]`, with or without `/api/v4`
 * @returns the address of the API, whose path ends in `/api/v4/`
 * @throws {UsageError} if it is none, holds a user or password, or would send the token without TLS to another machine
 */
export function parseGitLabAddress(text: string): URL {
  if (!/^https?:\/\//i.test(text) || !URL.canParse(text)) {
    throw new UsageError("the address of GitLab is not https://host, with port and prefix if need be", {
      hint: HINT,
    });
  }
  const url = new URL(text);
  if (url.username !== "" || url.password !== "") {
    throw new UsageError(
      `the address of ${url.host} must hold no user and no password: others can see the command line`,
      { hint: "name a file with --gitlab-token-file, or set GITLAB_TOKEN" },
    );
  }
  if (url.search !== "" || url.hash !== "") {
    throw new UsageError(`${url.origin}${url.pathname} is an address, and what follows it is none`, {
      hint: HINT,
    });
  }
  if (url.protocol === "http:" && !isThisHost(url.hostname)) {
    throw new UsageError(`${url.origin} has no TLS, and whoever is on the way would read the token`, {
      hint: `use https://${url.host}`,
    });
  }
  url.pathname = `${url.pathname.replace(/\/+$/, "").replace(/\/api\/v4$/, "")}/api/v4/`;
  return url;
}

function isThisHost(hostname: string): boolean {
  const host = hostname.replace(/^\[|\]$/g, "");
  return host === "localhost" || host === "::1" || (isIP(host) === 4 && host.startsWith("127."));
}
