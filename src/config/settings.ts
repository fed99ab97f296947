/**
 * What a config.yml comes to, after environment overrides and defaults, as far as it is implemented: the only shape
 * of configuration that the rest of the program sees. Paths are as written; times are in milliseconds.
 */
export interface Settings {
  log: LogSettings;
  storage: StorageSettings;
  /** `storage.delete.enabled`. */
  deleteEnabled: boolean;
  /** `storage.maintenance.readonly.enabled`. */
  readOnly: boolean;
  uploadPurging: UploadPurgingSettings;
  redirect: RedirectSettings;
  /** `catalog.maxentries`: a larger `n` is refused. */
  catalogMaxEntries: number;
  /** `tags.maxtags`: a larger `n` is cut to it. */
  tagsMaxTags: number;
  http: HttpSettings;
  /** Undefined: everybody may do everything. */
  auth: AuthSettings | undefined;
  gc: CollectionSettings;
}

/** `gc`: collecting garbage while the server serves. */
export interface CollectionSettings {
  /**
   * `gc.reviewafter`: what a client was told to exist, or has pushed, is not collected for so long (a lease). Measured
   * by each server's own clock; nothing but garbage depends on it.
   */
  reviewAfterMs: number;
  /** Collecting in the background, without a command; undefined: not asked for. */
  continuous: ContinuousCollectionSettings | undefined;
}

/** How a server collects by itself. */
export interface ContinuousCollectionSettings {
  /** From the end of one run to the start of the next. */
  intervalMs: number;
  /** Untagged manifests are collected too. */
  deleteUntagged: boolean;
  /** Local times of day, in minutes since midnight, between which runs happen; undefined: at any time. */
  window: { fromMinute: number; toMinute: number } | undefined;
  /** Deletions a second; 0: as many as there are. */
  maxOpsPerSecond: number;
}

/** The one kind of access control under `auth`. */
export type AuthSettings = TokenAuthSettings | HtpasswdAuthSettings | SillyAuthSettings;

/** `auth.token`: tokens that another server signs. */
export interface TokenAuthSettings {
  kind: "token";
  /** URL at which clients get tokens. */
  realm: string;
  service: string;
  issuer: string;
  /** Path of the PEM file with certificates; empty: none. There is a bundle, a key set or both. */
  rootCertBundle: string;
  /** Path of the JSON Web Key Set; empty: none. */
  jwks: string;
  /** JOSE names such as `RS256`; empty: all that are known to be safe. */
  signingAlgorithms: string[];
  /** Clients are sent to this host for tokens, whatever `realm` says. */
  autoRedirect: boolean;
  autoRedirectPath: string;
}

/** `auth.htpasswd`: a file with users and bcrypt hashes. */
export interface HtpasswdAuthSettings {
  kind: "htpasswd";
  realm: string;
  path: string;
}

/** `auth.silly`: any Authorization header will do. */
export interface SillyAuthSettings {
  kind: "silly";
  realm: string;
  service: string;
}

/** `log.level`. */
export type LogLevel = "error" | "warn" | "info" | "debug" | "trace";

/** `log`. */
export interface LogSettings {
  /** `trace` is GitLab's. */
  level: LogLevel;
  formatter: "text" | "json" | "logstash";
  /** Added to every line. */
  fields: Record<string, unknown>;
  accessLogDisabled: boolean;
}

/** The one driver under `storage`, with its parameters. Drivers that do not exist yet never get this far. */
export type StorageSettings =
  | { driver: "filesystem"; rootDirectory: string; maxThreads: number }
  | { driver: "inmemory" }
  | S3StorageSettings;

/** `storage.s3` or `storage.s3_v2`. */
export interface S3StorageSettings {
  /** The two have different defaults; what they store is the same. */
  driver: "s3" | "s3_v2";
  region: string;
  bucket: string;
  /** URL of a compatible server, without a path; empty: AWS, by region. */
  endpoint: string;
  /** URL that presigned addresses begin with instead; empty: the endpoint. */
  redirectEndpoint: string;
  /** Undefined: the SDK's default chain (environment, profile, web identity, role of the host). */
  credentials: { accessKey: string; secretKey: string; sessionToken: string } | undefined;
  /** Put before every key; without slashes at its ends, empty for the whole bucket. */
  rootDirectory: string;
  /** The bucket stands in the path, not in the host name. */
  pathStyle: boolean;
  accelerate: boolean;
  dualStack: boolean;
  fips: boolean;
  /** The server's certificate is not checked. */
  skipVerify: boolean;
  /** Instead of ours; empty: ours. */
  userAgent: string;
  /** `encrypt` and `keyid`. */
  encryption: { kind: "AES256" } | { kind: "aws:kms"; keyId: string } | undefined;
  /** Empty: not sent. */
  storageClass: string;
  /** Canned ACL; empty: not sent. */
  objectAcl: string;
  checksums: S3ChecksumSettings;
  /** For this host; 0: as many as there are. */
  maxRequestsPerSecond: number;
  /** Attempts behind the first. */
  maxRetries: number;
  /** Bytes of a part of an upload, at least 5 MiB. */
  chunkBytes: number;
  copy: { chunkBytes: number; concurrency: number; thresholdBytes: number };
  logLevel: string;
}

/** Which checksums go with requests and are looked at in answers. */
export interface S3ChecksumSettings {
  /** `required`: only where S3 demands one, as for older stores. */
  when: "supported" | "required";
  algorithm: "CRC64NVME" | "CRC32" | "CRC32C" | "SHA1" | "SHA256" | undefined;
}

/** `storage.redirect`: clients are sent to the object store for blobs. */
export interface RedirectSettings {
  enabled: boolean;
  /** How long such an address is good. */
  expiryMs: number;
}

/** `storage.maintenance.uploadpurging`. */
export interface UploadPurgingSettings {
  enabled: boolean;
  ageMs: number;
  intervalMs: number;
  dryRun: boolean;
}

/** `http`. */
export interface HttpSettings {
  /** `host:port` or `:port`; for `unix` a socket's path. Empty if the file has none. */
  addr: string;
  net: "tcp" | "unix";
  /** With leading and trailing slash, `/` by default. */
  prefix: string;
  /** The URL that Location and Link headers start with; empty: from the request. */
  host: string;
  /** Empty: made at random at the start. */
  secret: string;
  relativeUrls: boolean;
  /** How long requests may go on after SIGTERM; 0: as long as they need, as the Go registry does. */
  drainTimeoutMs: number;
  /** Added to every answer. */
  headers: Record<string, string[]>;
  tls: TlsSettings | undefined;
  /** HTTP/2 is spoken over TLS. */
  http2: boolean;
  /** HTTP/2 is spoken without TLS too. */
  h2c: boolean;
}

/** `http.tls`; undefined where no certificate is configured. */
export interface TlsSettings {
  /** Path of the PEM file with the certificate chain. */
  certificate: string;
  /** Path of the PEM file with the private key. */
  key: string;
  minimumTls: "TLSv1.2" | "TLSv1.3";
  /** Paths of PEM files with the authorities of clients' certificates; empty: clients are not asked for one. */
  clientCas: string[];
  clientAuth: ClientAuth;
  /** IANA names, as `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256`, for TLS 1.2 only; empty: the Go registry's choice. */
  cipherSuites: string[];
  /** Undefined: the certificate is somebody else's. Else certificate and key are the file that is obtained. */
  letsEncrypt: LetsEncryptSettings | undefined;
}

/** `http.tls.letsencrypt`. */
export interface LetsEncryptSettings {
  /** `cachefile`, which is a folder. */
  cacheFolder: string;
  /** Empty: the authority is given none. */
  email: string;
  /** Lower-case names, at least one. */
  hosts: string[];
  /** URL of the authority. */
  directoryUrl: string;
}

/** `http.tls.clientauth`, which counts only where there are `clientcas`. */
export type ClientAuth =
  | "require-and-verify-client-cert"
  | "verify-client-cert-if-given"
  | "require-any-client-cert"
  | "request-client-cert";

/** Where a configuration was taken from. */
export type ConfigSource = { kind: "file"; path: string } | { kind: "embedded" };

/** A configuration that can be worked with. */
export interface LoadedConfig {
  source: ConfigSource;
  settings: Settings;
  /** One line each, with file, line and column where there is one: to be shown on stderr. */
  warnings: string[];
  /** `database.enabled` is true or prefer: what storage says is not the truth. */
  usesMetadataDatabase: boolean;
}
