import type { S3Client } from "@aws-sdk/client-s3";
import type { S3StorageSettings } from "../../config/settings.ts";
import type { S3Lane } from "./s3-lane.ts";

/** One bucket, as all parts of the driver use it. */
export interface S3Store {
  readonly settings: S3StorageSettings;
  /** `s3://bucket/root`, for people. */
  readonly location: string;
  /** For small objects: what a registry does by the million. */
  readonly lane: S3Lane;
  /** How often the lane was told to come later; grows while the driver works. */
  readonly busyAnswers: { readonly count: number };
  /** For multipart uploads, copies and presigning; loaded and made at the first call. Its errors are the SDK's own. */
  sdk(): Promise<S3Client>;
  /** Headers that each new object gets: encryption, storage class, ACL. */
  readonly objectHeaders: Readonly<Record<string, string>>;
  /** The same as parameters of the SDK's PutObject, CopyObject and CreateMultipartUpload. */
  readonly objectParameters: ObjectParameters;
  /** @returns the key of a checked path: without slash at its start, below the root directory */
  keyOf(path: string): string;
  /** @returns the path of a key, with slash at its start; undefined outside the root directory */
  pathOf(key: string): string | undefined;
  /**
   * Makes one of our errors of whatever the lane or the SDK has thrown: what happened, with which key id from where, what
   * to change.
   *
   * @param operation - a verb, for the message: `read`, `write`
   * @param path - in the store
   */
  translate(error: unknown, operation: string, path: string): unknown;
}

/** How each new object is to be kept. */
export interface ObjectParameters {
  ServerSideEncryption?: "AES256" | "aws:kms";
  SSEKMSKeyId?: string;
  StorageClass?: "STANDARD";
  ACL?: "private";
}
