import type { S3StorageSettings } from "../../config/settings.ts";
import type { CredentialsSource } from "./credentials-source.ts";
import type { SdkRefusal } from "./sdk-refusal.ts";

/** What a message about a failure can name. */
export interface FailureContext {
  settings: S3StorageSettings;
  /** `s3://bucket/root`. */
  location: string;
  credentials: Pick<CredentialsSource, "description" | "isConfigured">;
}

/** Why something failed, for people. */
export interface Explanation {
  why: string;
  /** What to do about it. */
  hint: string;
  /** The store has no room. */
  isFull?: boolean;
}

/** A refusal, whichever lane it came over. */
export type Refusal = Omit<SdkRefusal, "isClockSkewCorrected">;

/** @returns the store's address for people */
export function endpointOf(settings: S3StorageSettings): string {
  return settings.endpoint === "" ? `AWS S3 in ${settings.region}` : settings.endpoint;
}
