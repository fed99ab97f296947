/** The marks that the SDK leaves on credentials, by what they mean. Those of a profile come before what it leads to. */
const ORIGINS: readonly (readonly [mark: string, origin: string])[] = [
  ["CREDENTIALS_ENV_VARS_STS_WEB_ID_TOKEN", "the web identity token that AWS_WEB_IDENTITY_TOKEN_FILE names"],
  ["CREDENTIALS_ENV_VARS", "the environment (AWS_ACCESS_KEY_ID)"],
  ["CREDENTIALS_PROFILE_SSO", "a single sign-on of the AWS profile"],
  ["CREDENTIALS_PROFILE_PROCESS", "the credential_process of the AWS profile"],
  ["CREDENTIALS_PROFILE", "the AWS profile (~/.aws/credentials, AWS_PROFILE)"],
  ["CREDENTIALS_SSO", "a single sign-on"],
  ["CREDENTIALS_PROCESS", "a credential_process"],
  ["CREDENTIALS_STS_ASSUME_ROLE_WEB_ID", "a role that was assumed by web identity"],
  ["CREDENTIALS_STS_ASSUME_ROLE", "an assumed role"],
  ["CREDENTIALS_HTTP", "the container's credentials endpoint"],
];

/**
 * @param marks - the `$source` of the SDK's credentials
 * @returns where they come from, for people
 */
export function describeSource(marks: unknown): string {
  const names = typeof marks === "object" && marks !== null ? Object.keys(marks) : [];
  for (const [mark, origin] of ORIGINS) {
    if (names.some((name) => name === mark || name.startsWith(`${mark}_`))) return origin;
  }
  return "the role of this host (instance metadata)";
}
