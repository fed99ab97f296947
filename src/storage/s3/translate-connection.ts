import type { S3StorageSettings } from "../../config/settings.ts";
import { messageOf } from "../../lib/message-of.ts";
import { codeOf, isCertificateProblem } from "./retry-rules.ts";
import { S3ConnectionError } from "./s3-lane.ts";
import { type Explanation, endpointOf, type FailureContext } from "./translate-context.ts";

/** @returns why there was no answer, and what to change */
export function explainConnection(error: Error, { settings }: FailureContext): Explanation {
  const cause = error instanceof S3ConnectionError ? (error.cause ?? error) : error;
  const code = codeOf(cause);
  const attempts = error instanceof S3ConnectionError && error.attempts > 1 ? error.attempts : 0;
  const known = isCertificateProblem(code) ? certificateProblem(code, settings) : problemOf(code, settings);
  const suffix = attempts === 0 ? "" : `, ${attempts} times`;
  const named = code === "" ? "" : ` (${code}${suffix})`;
  return {
    why: known === undefined ? `${messageOf(cause)}${named}` : `${known.why}${named}`,
    hint: known?.hint ?? `look whether ${endpointOf(settings)} and the network to it work`,
  };
}

function problemOf(code: string, settings: S3StorageSettings): Explanation | undefined {
  const server = endpointOf(settings);
  const setting = settings.endpoint === "" ? "region" : "regionendpoint";
  const key = `storage.${settings.driver}.${setting}`;
  switch (code) {
    case "ECONNREFUSED":
      return {
        why: `nothing listens at ${server}`,
        hint: `start the S3 server, or correct host and port in ${key}`,
      };
    case "ENOTFOUND":
    case "EAI_AGAIN":
      return {
        why: `the name of ${server} is unknown`,
        hint: settings.pathStyle
          ? `correct ${key}, or look whether this host can resolve names`
          : `correct ${key}; if the server knows no names of buckets (${settings.bucket}.HOST), ${pathStyleHint(settings)}`,
      };
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return {
        why: `there is no route to ${server}`,
        hint: `look at the network of this host, or correct ${key}`,
      };
    case "ETIMEDOUT":
    case "UND_ERR_CONNECT_TIMEOUT":
      return {
        why: `${server} does not answer`,
        hint: `look whether a firewall is between, or correct ${key}`,
      };
    case "UND_ERR_HEADERS_TIMEOUT":
      return {
        why: `${server} takes requests and does not answer them`,
        hint: "look whether the store works, and what stands before it (load balancer, firewall), then try again",
      };
    case "UND_ERR_BODY_TIMEOUT":
      return { why: `${server} answers too slowly`, hint: "look at the load of the store, and try again" };
    case "HPE_INVALID_CONSTANT":
      return {
        why: `${server} does not speak HTTP`,
        hint: `correct the port in ${key}, or use https:// where the server wants TLS`,
      };
    default:
      return undefined;
  }
}

/** @returns what to write to have the bucket in the path */
export function pathStyleHint({ driver }: S3StorageSettings): string {
  return `set storage.${driver}.pathstyle (or forcepathstyle) to true`;
}

function certificateProblem(code: string, settings: S3StorageSettings): Explanation {
  const server = endpointOf(settings);
  if (code.startsWith("ERR_SSL_") || code === "EPROTO") {
    return {
      why: `${server} does not speak TLS there`,
      hint: `use http:// in storage.${settings.driver}.regionendpoint (or secure: false) if the server has no TLS`,
    };
  }
  if (code === "ERR_TLS_CERT_ALTNAME_INVALID") {
    return {
      why: `the certificate of ${server} is for another name`,
      hint: settings.pathStyle
        ? `use a name in storage.${settings.driver}.regionendpoint that the certificate has`
        : `if the certificate has the server's name without the bucket's, ${pathStyleHint(settings)}`,
    };
  }
  return {
    why: `the certificate of ${server} is not trusted`,
    hint: "name the file of its authority in NODE_EXTRA_CA_CERTS; skipverify: true trusts any certificate",
  };
}
