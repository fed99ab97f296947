import { isIP } from "node:net";

/** Why an address is not taken. */
export interface EndpointProblem {
  problem: string;
}

/**
 * Makes a URL of the address of a compatible server. Without a scheme it is HTTPS unless `secure` is false.
 *
 * @param text - not empty
 * @returns scheme, host and port, without a slash at the end
 */
export function endpointUrl(text: string, secure: boolean): { url: string } | EndpointProblem {
  const withScheme = /^[a-z][a-z0-9+.-]*:\/\//i.test(text) ? text : `${secure ? "https" : "http"}://${text}`;
  if (!URL.canParse(withScheme)) {
    return { problem: "must be an address such as https://s3.example.com:9000" };
  }
  const url = new URL(withScheme);
  if (url.protocol !== "http:" && url.protocol !== "https:") {
    return { problem: `must begin with https:// or http://, not ${url.protocol}//` };
  }
  if (url.username !== "" || url.password !== "") {
    return { problem: "must hold no user and no password: they go into accesskey and secretkey" };
  }
  if (url.pathname !== "/" || url.search !== "" || url.hash !== "") {
    return { problem: "must end behind the host or its port: the bucket has a key of its own" };
  }
  return { url: url.origin };
}

/** Whether a bucket's name can stand before the host's: not before an address, nor before a name such as `localhost`. */
export function takesBucketInHost(endpoint: string): boolean {
  const host = new URL(endpoint).hostname.replace(/^\[|\]$/g, "");
  return isIP(host) === 0 && host.includes(".");
}
