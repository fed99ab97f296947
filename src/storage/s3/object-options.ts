import type { S3StorageSettings } from "../../config/settings.ts";
import type { ObjectParameters } from "./s3-store.ts";

/** @returns the headers that each new object gets: encryption, storage class, ACL */
export function objectHeadersOf(settings: S3StorageSettings): Readonly<Record<string, string>> {
  const { encryption, storageClass, objectAcl } = settings;
  const headers: Record<string, string> = {};
  if (encryption !== undefined) headers["x-amz-server-side-encryption"] = encryption.kind;
  if (encryption?.kind === "aws:kms" && encryption.keyId !== "") {
    headers["x-amz-server-side-encryption-aws-kms-key-id"] = encryption.keyId;
  }
  if (storageClass !== "") headers["x-amz-storage-class"] = storageClass;
  if (objectAcl !== "") headers["x-amz-acl"] = objectAcl;
  return headers;
}

/** @returns the same as parameters of the SDK's commands that make objects */
export function objectParametersOf(settings: S3StorageSettings): ObjectParameters {
  const { encryption, storageClass, objectAcl } = settings;
  const parameters: ObjectParameters = {};
  if (encryption !== undefined) parameters.ServerSideEncryption = encryption.kind;
  if (encryption?.kind === "aws:kms" && encryption.keyId !== "") parameters.SSEKMSKeyId = encryption.keyId;
  // Other stores have words of their own beside those that the SDK knows.
  if (storageClass !== "") Object.assign(parameters, { StorageClass: storageClass });
  if (objectAcl !== "") Object.assign(parameters, { ACL: objectAcl });
  return parameters;
}
