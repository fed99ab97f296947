import { takesBucketInHost } from "./s3-endpoint.ts";
import type { SectionValues } from "./section-values.ts";

/** Where the bucket's name goes. */
export interface PathStyle {
  pathStyle: boolean;
  /** What was assumed, as one line for people; undefined where nothing had to be. */
  note: string | undefined;
}

/** Keys of Distribution 3 that neither its second release nor GitLab's registry knows. */
const KEYS_OF_DISTRIBUTION_3 = ["redirectendpoint", "usedualstack", "usefipsendpoint"];

/** Keys of GitLab's registry alone. */
const KEYS_OF_GITLAB = [
  "sessiontoken",
  "parallelwalk",
  "maxrequestspersecond",
  "maxretries",
  "objectownership",
  "checksum_algorithm",
  "checksum_disabled",
];

/**
 * Finds out where the bucket's name goes. GitLab's key and Distribution's decide. Without them it goes into the host name
 * for AWS; for another server into the path, as GitLab's registry and Distribution 2 have it, unless the section is surely
 * one of Distribution 3, which puts it into the host name there too.
 *
 * @param endpoint - a URL; empty: AWS
 */
export function pathStyleOf(values: SectionValues, endpoint: string): PathStyle {
  const pathStyle = values.boolean("pathstyle");
  const forced = values.boolean("forcepathstyle");
  if (pathStyle !== undefined && forced !== undefined && pathStyle !== forced) {
    values.say("fatal", "forcepathstyle", "contradicts pathstyle: write one of them");
  }
  const written = pathStyle ?? forced;
  if (written !== undefined) return { pathStyle: written, note: undefined };
  if (endpoint === "") return { pathStyle: false, note: undefined };
  if (values.section === "storage.s3_v2" || !takesBucketInHost(endpoint)) {
    return { pathStyle: true, note: undefined };
  }
  const isDistribution3 =
    KEYS_OF_DISTRIBUTION_3.some((name) => values.has(name)) &&
    !KEYS_OF_GITLAB.some((name) => values.has(name));
  const { host, protocol } = new URL(endpoint);
  const bucket = values.text("bucket");
  return isDistribution3
    ? {
        pathStyle: false,
        note: `note: the bucket is addressed as ${protocol}//${bucket}.${host}, as Distribution 3 does; for ${endpoint}/${bucket} write forcepathstyle: true`,
      }
    : {
        pathStyle: true,
        note: `note: the bucket is addressed as ${endpoint}/${bucket}, as GitLab's registry and Distribution 2 do; for ${protocol}//${bucket}.${host}, as Distribution 3 does, write forcepathstyle: false`,
      };
}
