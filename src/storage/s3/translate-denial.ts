import type { FailureContext, Refusal } from "./translate-context.ts";

/** What a policy must allow for an operation, by a word in its name; of objects, and of the bucket itself. */
const ACTIONS: readonly (readonly [operation: RegExp, onObjects: string, onBucket: string])[] = [
  [/list|scan|walk|walked/, "", "s3:ListBucket"],
  [/delete|remove/, "s3:DeleteObject", ""],
  [/move|copy/, "s3:GetObject, s3:PutObject and s3:DeleteObject", ""],
  [
    /upload|abandon/,
    "s3:PutObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts",
    "s3:ListBucketMultipartUploads",
  ],
  [/write|put|create|lock/, "s3:PutObject", ""],
  [/read|get|stat|look|find|open/, "s3:GetObject", "s3:ListBucket"],
];

const ALL_OBJECT_ACTIONS =
  "s3:GetObject, s3:PutObject, s3:DeleteObject, s3:AbortMultipartUpload and s3:ListMultipartUploadParts";
const ALL_BUCKET_ACTIONS = "s3:ListBucket and s3:ListBucketMultipartUploads";

/**
 * @param operation - a verb, as for {@link S3Store.translate}
 * @returns what to allow so that an operation that was denied will work
 */
export function allowedActionsHint(refusal: Refusal, operation: string, context: FailureContext): string {
  const { bucket, rootDirectory } = context.settings;
  const objects = `arn:aws:s3:::${bucket}/${rootDirectory === "" ? "" : `${rootDirectory}/`}*`;
  const known = ACTIONS.find(([word]) => word.test(operation));
  const [, onObjects, onBucket] = known ?? [undefined, ALL_OBJECT_ACTIONS, ALL_BUCKET_ACTIONS];
  const wanted = [
    onObjects === "" ? "" : `${onObjects} on ${objects}`,
    onBucket === "" ? "" : `${onBucket} on arn:aws:s3:::${bucket}`,
  ].filter((part) => part !== "");
  const hint = `allow ${wanted.join(" and ")} in the policies of the user or role and of the bucket`;
  return isAboutHead(refusal)
    ? `${hint}: HEAD needs s3:GetObject like GET, and without s3:ListBucket a missing object is denied too (a wrong key is denied without a reason, too)`
    : hint;
}

/** A refusal without a code has come without a body: of a HEAD, which PUT says nothing of. */
function isAboutHead(refusal: Refusal): boolean {
  return refusal.status === 403 && refusal.code === "";
}
