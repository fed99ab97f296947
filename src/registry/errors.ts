import { RegistryCtlError } from "../errors.ts";
import type { Digest } from "../oci/digest.ts";

/** A blob is not stored, or not part of the repository in which it was looked for. */
export class BlobUnknownError extends RegistryCtlError {
  override readonly name: string = "BlobUnknownError";
  readonly repository: string;
  readonly digest: Digest;
  constructor(repository: string, digest: Digest, options: { cause?: unknown } = {}) {
    super("ERR_BLOB_UNKNOWN", `blob ${digest} is not in repository ${repository}`, options);
    this.repository = repository;
    this.digest = digest;
  }
}

/** A manifest is not stored, or not part of the repository in which it was looked for. */
export class ManifestUnknownError extends RegistryCtlError {
  override readonly name: string = "ManifestUnknownError";
  readonly repository: string;
  readonly digest: Digest;
  constructor(repository: string, digest: Digest, options: { cause?: unknown } = {}) {
    super("ERR_MANIFEST_UNKNOWN", `manifest ${digest} is not in repository ${repository}`, options);
    this.repository = repository;
    this.digest = digest;
  }
}

/** A tag does not exist, or its link does not name a manifest: then `detail` says what is wrong with it. */
export class TagUnknownError extends RegistryCtlError {
  override readonly name: string = "TagUnknownError";
  readonly repository: string;
  readonly tag: string;
  readonly detail: string | undefined;
  constructor(repository: string, tag: string, options: { detail?: string; cause?: unknown } = {}) {
    const detail = options.detail === undefined ? "" : `: ${options.detail}`;
    super("ERR_TAG_UNKNOWN", `tag ${tag} is not in repository ${repository}${detail}`, options);
    this.repository = repository;
    this.tag = tag;
    this.detail = options.detail;
  }
}

/** A repository has neither tags nor manifests. */
export class RepositoryUnknownError extends RegistryCtlError {
  override readonly name: string = "RepositoryUnknownError";
  readonly repository: string;
  constructor(repository: string, options: { cause?: unknown } = {}) {
    super("ERR_REPOSITORY_UNKNOWN", `repository ${repository} does not exist`, options);
    this.repository = repository;
  }
}

/** An upload was never begun, or is finished, cancelled or purged. */
export class UploadUnknownError extends RegistryCtlError {
  override readonly name: string = "UploadUnknownError";
  readonly repository: string;
  readonly uuid: string;
  constructor(repository: string, uuid: string, options: { cause?: unknown } = {}) {
    super(
      "ERR_UPLOAD_UNKNOWN",
      `upload ${JSON.stringify(uuid.slice(0, 100))} is not open in repository ${repository}`,
      options,
    );
    this.repository = repository;
    this.uuid = uuid;
  }
}

/** The stored bytes of an upload are not those that were received; it has been removed and must be begun again. */
export class UploadInvalidError extends RegistryCtlError {
  override readonly name: string = "UploadInvalidError";
  readonly uuid: string;
  constructor(uuid: string, reason: string, options: { cause?: unknown } = {}) {
    super("ERR_UPLOAD_INVALID", `upload ${uuid} is invalid: ${reason}`, options);
    this.uuid = uuid;
  }
}

/** A link file does not hold a digest; a crash of a registry that does not sync leaves it empty. */
export class BrokenLinkError extends RegistryCtlError {
  override readonly name: string = "BrokenLinkError";
  readonly path: string;
  /** What is wrong with the content, for people. */
  readonly reason: string;
  constructor(path: string, reason: string, options: { cause?: unknown } = {}) {
    super("ERR_BROKEN_LINK", `broken link ${path}: ${reason}`, options);
    this.path = path;
    this.reason = reason;
  }
}
