import { messageOf } from "../../lib/message-of.ts";
import { printableLine } from "../../lib/printable.ts";
import { errorCodeOf } from "../../lib/system-error.ts";
import { GitLabError } from "./gitlab-error.ts";

/** More of a message of GitLab's is not shown. */
const MAX_MESSAGE = 300;

/** An answer that is no success. */
export interface Refusal {
  status: number;
  contentType: string | undefined;
  /** Of a redirection. */
  location: string | undefined;
  text: string;
  /** `listing projects`. */
  doing: string;
  /** The address without `/api/v4/`. */
  server: string;
}

/** @returns what an answer means for whoever gave the token and the address */
export function explainRefusal(refusal: Refusal): GitLabError {
  const { status, contentType, doing, server, location } = refusal;
  const options = { status };
  if (status >= 300 && status < 400) return explainRedirection(server, location, status);
  if (status === 401) {
    return new GitLabError(`${server} does not accept the token (401)`, {
      ...{ ...options, isFinal: true },
      hint: "make a new one: it is wrong, expired or revoked",
    });
  }
  const why = messageIn(refusal.text);
  const said = why === undefined ? "" : `: ${why}`;
  if (status === 403) {
    return new GitLabError(`${server} refuses ${doing} (403)${said}`, {
      ...options,
      hint: "the token needs the scope read_api, or api to change policies, and its user needs to be an administrator, or maintainer of the project",
    });
  }
  if (status === 429 || status >= 500) {
    return new GitLabError(`${doing}: ${server} answers ${status}${said}`, { ...options, isPassing: true });
  }
  if (why === undefined && !isJson(contentType)) return noGitLab(server, `it answers ${status}`, status);
  if (status === 404) {
    return new GitLabError(`${doing}: ${server} knows no such thing (404)`, {
      ...options,
      hint: "GitLab says so of projects that the token may not see, too",
    });
  }
  return new GitLabError(`${doing}: ${server} answers ${status}${said}`, options);
}

/** @returns that what answers is something else than GitLab's API */
export function noGitLab(server: string, why: string, status?: number): GitLabError {
  return new GitLabError(`what answers at ${server} is not the API of GitLab: ${why}`, {
    ...{ status, isFinal: true },
    hint: "give the address that people open in a browser, with its prefix if it has one; a proxy or a page of sign-in may stand before it",
  });
}

function explainRedirection(server: string, location: string | undefined, status: number): GitLabError {
  const target = location !== undefined && URL.canParse(location) ? new URL(location).origin : undefined;
  return new GitLabError(`${server} sends us elsewhere${target === undefined ? "" : `, to ${target}`}`, {
    ...{ status, isFinal: true },
    hint: "give the address at which GitLab itself answers; the token is not sent anywhere else",
  });
}

/** @returns that there was no answer, or only a part of one */
export function explainSilence(error: unknown, server: string, proxy: string | undefined): GitLabError {
  const cause = innermost(error);
  const code = errorCodeOf(cause);
  const through = proxy === undefined ? "" : `, through the proxy ${new URL(proxy).host} of the environment`;
  if (/CERT|SIGNATURE|ERR_TLS/.test(code)) {
    return new GitLabError(`the certificate of ${server} is not trusted: ${messageOf(cause)}${through}`, {
      ...{ cause, isFinal: true },
      hint:
        code === "ERR_TLS_CERT_ALTNAME_INVALID"
          ? "use a name that the certificate has"
          : "name the file of its authority with --gitlab-ca, or in NODE_EXTRA_CA_CERTS",
    });
  }
  if (code.startsWith("ERR_SSL_") || code === "EPROTO" || code.startsWith("HPE_")) {
    return noGitLab(server, "it speaks neither HTTP nor TLS as https:// or http:// says");
  }
  const isPassing = code !== "ENOTFOUND";
  return new GitLabError(`${server} does not answer: ${messageOf(cause) || code}${through}`, {
    ...{ cause, isPassing, isFinal: true },
    hint: "check the address, and that this host may reach it",
  });
}

function innermost(error: unknown): unknown {
  if (error instanceof AggregateError && error.errors.length > 0) return innermost(error.errors[0]);
  return error instanceof Error && error.cause instanceof Error ? innermost(error.cause) : error;
}

function isJson(contentType: string | undefined): boolean {
  return /\bjson\b/i.test(contentType ?? "");
}

/** GitLab writes `{"message": …}` of texts, lists and objects, or `{"error": …, "error_description": …}`. */
function messageIn(text: string): string | undefined {
  let json: unknown;
  try {
    json = JSON.parse(text);
  } catch {
    return undefined;
  }
  const fields: Record<string, unknown> = typeof json === "object" && json !== null ? { ...json } : {};
  const found = fields["message"] ?? fields["error_description"] ?? fields["error"];
  if (found === undefined || found === null) return undefined;
  const words = typeof found === "string" ? found : JSON.stringify(found);
  const line = printableLine(words);
  return line.length > MAX_MESSAGE ? `${line.slice(0, MAX_MESSAGE)}…` : line;
}
