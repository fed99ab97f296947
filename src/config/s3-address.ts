import { endpointUrl } from "./s3-endpoint.ts";
import { pathStyleOf } from "./s3-path-style.ts";
import type { SectionValues } from "./section-values.ts";
import type { S3StorageSettings } from "./settings.ts";

/** Where a bucket is and how it is addressed. */
export type S3Address = Pick<
  S3StorageSettings,
  "region" | "bucket" | "endpoint" | "redirectEndpoint" | "pathStyle" | "accelerate" | "dualStack" | "fips"
>;

/**
 * Reads where the bucket is, and says what cannot be an address.
 *
 * @returns beside it what was assumed, as lines for people
 */
export function s3AddressOf(values: SectionValues): { address: S3Address; notes: string[] } {
  const endpoint = endpointOf(values);
  const { pathStyle, note } = pathStyleOf(values, endpoint);
  checkBucket(values);
  checkRegion(values, endpoint);
  const address = {
    region: values.text("region") || "us-east-1",
    bucket: values.text("bucket"),
    endpoint,
    redirectEndpoint: urlOf(values, "redirectendpoint"),
    ...addressingOf(values, endpoint, pathStyle),
  };
  return { address, notes: note === undefined ? [] : [note] };
}

function endpointOf(values: SectionValues): string {
  const endpoint = urlOf(values, "regionendpoint");
  const secure = values.boolean("secure");
  if (values.text("regionendpoint") === "") {
    if (secure === false) values.say("warning", "secure", "is of no effect: AWS is spoken to over HTTPS");
  } else if (secure === true && endpoint.startsWith("http:")) {
    const message = "is of no effect: regionendpoint begins with http://, so nothing is encrypted on the way";
    values.say("warning", "secure", message);
  } else if (secure === false && endpoint.startsWith("https:")) {
    values.say("warning", "secure", "is of no effect: regionendpoint begins with https://");
  }
  return endpoint;
}

/** @returns a URL; empty if nothing is written, or something of no use */
function urlOf(values: SectionValues, name: string): string {
  const text = values.text(name);
  if (text === "") return "";
  const found = endpointUrl(text, values.boolean("secure") ?? true);
  if ("url" in found) return found.url;
  values.say("fatal", name, found.problem);
  return "";
}

function checkBucket(values: SectionValues): void {
  const bucket = values.text("bucket");
  if (bucket.startsWith("arn:")) {
    values.say("fatal", "bucket", "must be a name: give the access point's alias instead of its ARN");
  } else if (bucket.includes("/")) {
    const message = "must be a name without a slash: write the folder in it as rootdirectory";
    values.say("fatal", "bucket", message);
  } else if (!/^[A-Za-z0-9._-]{0,255}$/.test(bucket)) {
    values.say("fatal", "bucket", "must have letters, digits, dots, hyphens and underscores only");
  }
}

/** A region that is wrong is told by S3; here only what could be no part of a host name. */
function checkRegion(values: SectionValues, endpoint: string): void {
  const region = values.text("region");
  if (region === "" && values.text("regionendpoint") === "") {
    values.say("fatal", "region", "is missing: name the bucket's region, such as eu-central-1");
  } else if (region !== "" && endpoint === "" && !/^[a-z0-9]+(-[a-z0-9]+)*$/.test(region)) {
    values.say("fatal", "region", "must be the name of a region of AWS, such as eu-central-1");
  }
}

/** What AWS alone has counts for nothing with another server, as in the Go registry. */
function addressingOf(
  values: SectionValues,
  endpoint: string,
  pathStyle: boolean,
): Pick<S3StorageSettings, "pathStyle" | "accelerate" | "dualStack" | "fips"> {
  const onAws = (name: string): boolean => {
    if (values.boolean(name) !== true) return false;
    if (endpoint !== "") values.say("warning", name, "is of no effect with regionendpoint");
    return endpoint === "";
  };
  const accelerate = onAws("accelerate");
  const dualStack = onAws("usedualstack");
  const fips = onAws("usefipsendpoint");
  if (accelerate && fips) values.say("fatal", "accelerate", "does not go together with usefipsendpoint");
  if (accelerate && pathStyle) {
    const key = values.has("forcepathstyle") ? "forcepathstyle" : "pathstyle";
    values.say("warning", key, "is of no effect with accelerate");
  }
  return { pathStyle: pathStyle && !accelerate, accelerate, dualStack, fips };
}
