import type { StorageSettings } from "../../config/settings.ts";

/**
 * Writes down a store as it is used, with what the environment says of it.
 *
 * @returns `storage:` with its driver, as YAML, with its secrets
 */
export function sectionOfSettings(settings: StorageSettings): string {
  switch (settings.driver) {
    case "inmemory":
      return "storage:\n  inmemory: {}\n";
    case "filesystem":
      return render("filesystem", { rootdirectory: settings.rootDirectory, maxthreads: settings.maxThreads });
    case "s3":
    case "s3_v2": {
      const { encryption, credentials, checksums } = settings;
      return render(settings.driver, {
        bucket: settings.bucket,
        region: settings.region,
        regionendpoint: settings.endpoint || undefined,
        rootdirectory: settings.rootDirectory || undefined,
        accesskey: credentials?.accessKey,
        secretkey: credentials?.secretKey,
        sessiontoken: credentials?.sessionToken || undefined,
        [settings.driver === "s3" ? "forcepathstyle" : "pathstyle"]: settings.pathStyle,
        accelerate: settings.accelerate || undefined,
        usedualstack: settings.dualStack || undefined,
        usefipsendpoint: settings.fips || undefined,
        useragent: settings.userAgent || undefined,
        skipverify: settings.skipVerify,
        encrypt: encryption === undefined ? undefined : true,
        keyid: encryption?.kind === "aws:kms" ? encryption.keyId : undefined,
        storageclass: settings.storageClass || undefined,
        objectacl: settings.objectAcl || undefined,
        checksum_disabled: checksums.when === "required" ? true : undefined,
        checksum_algorithm: checksums.algorithm,
        maxrequestspersecond: settings.maxRequestsPerSecond,
        maxretries: settings.maxRetries,
        chunksize: settings.chunkBytes,
      });
    }
  }
}

function render(
  driver: string,
  keys: Readonly<Record<string, string | number | boolean | undefined>>,
): string {
  const lines = Object.entries(keys).flatMap(([name, value]) =>
    value === undefined
      ? []
      : [`    ${name}: ${typeof value === "string" ? JSON.stringify(value) : value}\n`],
  );
  return `storage:\n  ${driver}:\n${lines.join("")}`;
}
