/** The media types that a client takes. */
export interface AcceptedTypes {
  /** Tells whether the client takes `mediaType`, by name or by wildcard. */
  accepts(mediaType: string): boolean;
  /** For an explanation: the types as the client listed them. */
  readonly listed: readonly string[];
}

/** Longest Accept header that is looked at; real ones have a few hundred characters. */
const MAX_ACCEPT_LENGTH = 8192;

/**
 * Reads an Accept header. Preferences are not weighed, as an object has one type only; `q=0` excludes.
 *
 * @returns undefined if the client takes anything: there is no header, or it is empty
 */
export function parseAccept(header: string | undefined): AcceptedTypes | undefined {
  if (header === undefined || header.trim() === "") return undefined;
  const included = new Set<string>();
  const excluded = new Set<string>();
  for (const item of header.slice(0, MAX_ACCEPT_LENGTH).split(",")) {
    const [type = "", ...parameters] = item.split(";").map((part) => part.trim().toLowerCase());
    if (type === "") continue;
    const refused = parameters.some((parameter) => /^q=0(?:\.0*)?$/.test(parameter));
    (refused ? excluded : included).add(type);
  }
  return {
    listed: [...included],
    accepts(mediaType) {
      const type = mediaType.toLowerCase();
      const family = `${type.slice(0, type.indexOf("/"))}/*`;
      if (included.has(type)) return true;
      if (excluded.has(type)) return false;
      if (included.has(family)) return true;
      return !excluded.has(family) && included.has("*/*");
    },
  };
}
