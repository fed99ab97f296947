import { isCalendarDay } from "../lib/calendar-day.ts";
import { isObject } from "../lib/is-object.ts";

/** What an image config says of the image. */
export interface ImageConfig {
  /** When the image was built, in milliseconds since 1970; undefined: it does not say, or not as a time. */
  createdMs: number | undefined;
  /** Such as `linux/arm/v7`. */
  platform: string | undefined;
  labels: Record<string, string>;
}

/** RFC 3339, as the image spec wants it. */
const TIME = /^\d{4}-\d\d-\d\d[Tt]\d\d:\d\d:\d\d(\.\d+)?([Zz]|[+-]\d\d:\d\d)$/;

/**
 * Reads an image config. Nothing in it has to be there: configs of other artifacts are read the same way.
 *
 * @returns undefined if the bytes are no JSON object
 * @see https://github.com/opencontainers/image-spec/blob/v1.1.1/config.md#properties
 */
export function readImageConfig(bytes: Uint8Array): ImageConfig | undefined {
  let json: unknown;
  try {
    json = JSON.parse(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("utf8"));
  } catch {
    return undefined;
  }
  if (!isObject(json)) return undefined;
  const { created, config } = json;
  const labels = isObject(config) ? config["Labels"] : undefined;
  return { createdMs: timeOf(created), platform: platformOf(json), labels: textsOf(labels) };
}

function textsOf(labels: unknown): Record<string, string> {
  const texts: [string, string][] = [];
  for (const [name, text] of Object.entries(isObject(labels) ? labels : {}))
    if (typeof text === "string") texts.push([name, text]);
  return Object.fromEntries(texts);
}

function timeOf(value: unknown): number | undefined {
  // GitLab takes a day that there is not for no date at all: the image is then as new as can be.
  if (typeof value !== "string" || !TIME.test(value) || !isCalendarDay(value)) return undefined;
  const ms = Date.parse(value);
  return Number.isNaN(ms) ? undefined : ms;
}

function platformOf({ os, architecture, variant }: Record<string, unknown>): string | undefined {
  if (typeof os !== "string" || typeof architecture !== "string" || os === "" || architecture === "")
    return undefined;
  const parts = [os, architecture];
  if (typeof variant === "string" && variant !== "") parts.push(variant);
  return parts.join("/");
}
