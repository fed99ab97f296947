import { createServer, type IncomingMessage, type Server, type ServerResponse } from "node:http";
import { createServer as createTlsServer } from "node:https";
import type { AddressInfo } from "node:net";
import type { TlsPair } from "./tls-files.ts";

/** A project of the fake, in the form of GitLab's API. */
export interface FakeProject {
  id: number;
  path_with_namespace: string;
  creator_id?: number;
  archived?: boolean;
  container_registry_access_level?: string;
  container_expiration_policy?: Record<string, unknown> | null;
  /** Not a part of the API: the token's user is a member. */
  isMember?: boolean;
  /** Not a part of the API: it has repositories of images. */
  hasImages?: boolean;
}

/** An answer in the place of the usual one. */
export interface FakeAnswer {
  status: number;
  headers?: Record<string, string>;
  body?: string;
}

/** What the fake was asked. */
export interface FakeRequest {
  method: string;
  /** Path and parameters, as they came. */
  url: string;
  authorization: string | undefined;
  body: unknown;
}

/** A GitLab that knows what registry-ctl asks. */
export interface FakeGitLab {
  /** With prefix, without `/api/v4`. */
  url: string;
  requests: FakeRequest[];
  projects: FakeProject[];
  close(): Promise<void>;
}

/** How the fake behaves. */
export interface FakeGitLabOptions {
  token: string;
  projects: FakeProject[];
  /** Default true. */
  isAdmin?: boolean;
  /** Such as `/gitlab`. */
  prefix?: string;
  tls?: TlsPair;
  /** Projects a page at the most, whatever is asked for. */
  pageSize?: number;
  /** Default true. */
  sendsLinks?: boolean;
  /** The origin that its links name; default its own. */
  externalUrl?: string;
  /** Asked first; what it gives is sent. `false` keeps silent. */
  intercept?: (request: FakeRequest, count: number) => FakeAnswer | false | undefined;
}

const CADENCES = ["1d", "7d", "14d", "1month", "3month"];
const OLDER_THAN = ["7d", "14d", "30d", "60d", "90d"];
const KEEP_N = [1, 5, 10, 25, 50, 100];

/** Starts a fake GitLab on a free port of 127.0.0.1. */
export async function startFakeGitLab(options: FakeGitLabOptions): Promise<FakeGitLab> {
  const requests: FakeRequest[] = [];
  const prefix = options.prefix ?? "";
  const projects = options.projects.toSorted((a, b) => a.id - b.id);
  const state = { origin: "", projects, options };
  const answer = async (message: IncomingMessage, response: ServerResponse): Promise<void> => {
    const request = await requestOf(message);
    requests.push(request);
    const special = options.intercept?.(request, requests.length);
    if (special === false) return;
    send(response, special ?? route(request, prefix, state));
  };
  const listener = (message: IncomingMessage, response: ServerResponse): void => {
    answer(message, response).catch((error: unknown) =>
      response.destroy(error instanceof Error ? error : undefined),
    );
  };
  const server: Server = options.tls ? createTlsServer(options.tls, listener) : createServer(listener);
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  state.origin = options.externalUrl ?? `${options.tls ? "https" : "http"}://127.0.0.1:${port}`;
  return {
    url: `${options.tls ? "https" : "http"}://127.0.0.1:${port}${prefix}`,
    requests,
    projects,
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve());
        server.closeAllConnections();
      }),
  };
}

interface State {
  origin: string;
  projects: FakeProject[];
  options: FakeGitLabOptions;
}

function route(request: FakeRequest, prefix: string, state: State): FakeAnswer {
  const { options, projects } = state;
  const url = new URL(request.url, "http://fake");
  if (!url.pathname.startsWith(`${prefix}/api/v4/`)) return html(404);
  if (request.authorization !== `Bearer ${options.token}`) return json(401, { message: "401 Unauthorized" });
  const path = url.pathname.slice(`${prefix}/api/v4/`.length);
  const isAdmin = options.isAdmin ?? true;
  if (path === "user") return json(200, { id: 1, username: "root", ...(isAdmin ? { is_admin: true } : {}) });
  if (path === "projects") return listProjects(url, state);
  const [, name = "", rest = ""] = /^projects\/([^/]+)(\/.*)?$/.exec(path) ?? [];
  const wanted = decodeURIComponent(name);
  const project = projects.find(
    ({ id, path_with_namespace: own }) => String(id) === wanted || own.toLowerCase() === wanted.toLowerCase(),
  );
  if (project === undefined) return json(404, { message: "404 Project Not Found" });
  if (rest === "/registry/repositories") return json(200, project.hasImages ? [{ id: 7 }] : []);
  if (rest !== "") return json(404, { error: "404 Not Found" });
  return request.method === "PUT" ? update(project, request.body) : json(200, shown(project));
}

function listProjects({ searchParams, pathname }: URL, { projects, options, origin }: State): FakeAnswer {
  if (searchParams.get("pagination") !== "keyset" || searchParams.get("order_by") !== "id")
    return json(405, {});
  const after = Number(searchParams.get("id_after") ?? 0);
  const most = Math.min(Number(searchParams.get("per_page")), 100, options.pageSize ?? 100);
  const seen = projects.filter(
    ({ id, isMember }) => id > after && (!searchParams.has("membership") || isMember === true),
  );
  const page = seen.slice(0, most);
  const next = new URLSearchParams(searchParams);
  next.set("id_after", String(page.at(-1)?.id));
  const hasLink = (options.sendsLinks ?? true) && seen.length > page.length;
  const link = `<${origin}${pathname}?${next.toString()}>; rel="next"`;
  return {
    ...json(200, page.map(shown)),
    headers: { "content-type": "application/json", ...(hasLink ? { link } : {}) },
  };
}

function shown({
  isMember: _isMember,
  hasImages: _hasImages,
  container_expiration_policy: policy,
  ...project
}: FakeProject): unknown {
  return {
    ...{ creator_id: 1, archived: false, container_registry_access_level: "enabled", ...project },
    ...(policy === null || policy === undefined ? {} : { container_expiration_policy: policy }),
  };
}

/** As GitLab's model checks it; what is not named stays, and `name_regex_delete` is passed over. */
function update(project: FakeProject, body: unknown): FakeAnswer {
  const wanted = (body as { container_expiration_policy_attributes?: Record<string, unknown> })
    .container_expiration_policy_attributes;
  if (wanted === undefined) return json(400, { error: "at least one parameter must be provided" });
  const { name_regex_delete: _passedOver, ...known } = wanted;
  const base = {
    cadence: "1d",
    enabled: false,
    keep_n: 10,
    older_than: "90d",
    name_regex: ".*",
    name_regex_keep: null,
  };
  const policy: Record<string, unknown> = { ...base, ...project.container_expiration_policy, ...known };
  const wrong = [
    ...(CADENCES.includes(String(policy["cadence"])) ? [] : ["container_expiration_policy.cadence"]),
    ...(policy["older_than"] === null || OLDER_THAN.includes(String(policy["older_than"]))
      ? []
      : ["container_expiration_policy.older_than"]),
    ...(policy["keep_n"] === null || KEEP_N.includes(Number(policy["keep_n"]))
      ? []
      : ["container_expiration_policy.keep_n"]),
  ];
  if (wrong.length > 0)
    return json(400, {
      message: Object.fromEntries(wrong.map((name) => [name, ["is not included in the list"]])),
    });
  project.container_expiration_policy = { ...policy, next_run_at: "2031-02-03T04:05:06.789Z" };
  return json(200, shown(project));
}

async function requestOf(message: IncomingMessage): Promise<FakeRequest> {
  const chunks: Buffer[] = [];
  for await (const chunk of message) chunks.push(Buffer.from(chunk));
  const text = Buffer.concat(chunks).toString("utf8");
  const { method = "", url = "", headers } = message;
  return {
    method,
    url,
    authorization: headers.authorization,
    body: text === "" ? undefined : JSON.parse(text),
  };
}

function json(status: number, body: unknown): FakeAnswer {
  return { status, headers: { "content-type": "application/json" }, body: JSON.stringify(body) };
}

function html(status: number): FakeAnswer {
  return {
    status,
    headers: { "content-type": "text/html; charset=utf-8" },
    body: "<!DOCTYPE html><title>Sign in</title>",
  };
}

function send(response: ServerResponse, { status, headers, body }: FakeAnswer): void {
  response.writeHead(status, headers);
  response.end(body ?? "");
}
