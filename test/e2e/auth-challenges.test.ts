import { rm } from "node:fs/promises";
import { afterAll, beforeAll, expect, it } from "vitest";
import { ABSENT, askWithoutToken, type Replies, type Reply } from "../support/auth-questions.ts";
import { startAuthorisedRegistry } from "../support/authorised-registries.ts";
import { type GitLabIssuer, startGitLabIssuer } from "../support/gitlab-issuer.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { readChallenge } from "../support/token-client.ts";

const NAME = "group/project/image";
const UPLOADS = `${NAME}/blobs/uploads`;

/** Requests for which registry-ctl and the Go registry ask for the same. */
const SAME = [
  ...["GET", "HEAD", "PUT", "DELETE", "POST", "PATCH", "OPTIONS"].flatMap((method) => [
    `${method} ${NAME}/manifests/v1`,
    `${method} ${NAME}/manifests/${ABSENT}`,
    `${method} ${NAME}/blobs/${ABSENT}`,
    `${method} ${UPLOADS}/6f1b7e4e-0f5c-4a63-b1a5-3c1d8e5f7a90`,
    `${method} ${UPLOADS}/`,
    `${method} ${NAME}/tags/list`,
    `${method} _catalog`,
    `${method} `,
  ]),
  `POST ${UPLOADS}/?mount=${ABSENT}`,
  `POST ${UPLOADS}/?mount=${ABSENT}&from=`,
  `POST ${UPLOADS}/?mount=${ABSENT}&from=group/other`,
  `POST ${UPLOADS}/?mount=${ABSENT}&from=group%2Fother`,
  `POST ${UPLOADS}/?mount=${ABSENT}&from=${NAME}`,
  `POST ${UPLOADS}/?mount=${ABSENT}&from=group/other&from=stranger/own`,
  `POST ${UPLOADS}/?from=group/other`,
  `GET ${NAME}/blobs/sha256:short`,
  `GET group%2Fproject%2Fimage/manifests/v1`,
  "GET group/../other/manifests/v1",
  "GET _catalog?n=1",
];

/** Requests for which they differ, and what each says: status, codes of errors, scope in alphabetical order. */
const DIFFERENT: { request: string; ours: string; go: string }[] = [
  // Where the Go registry finds no handler it answers in plain text, and such names never reach one.
  { request: "GET _nothing", ours: "404 UNSUPPORTED", go: "404" },
  { request: `GET ${NAME}`, ours: "404 UNSUPPORTED", go: "404" },
  { request: `GET ${NAME}/tags`, ours: "404 UNSUPPORTED", go: "404" },
  { request: "GET Group/Project/manifests/v1", ours: "400 NAME_INVALID", go: "404" },
  {
    request: `GET ${NAME}/manifests/-no-tag`,
    ours: `401 UNAUTHORIZED repository:${NAME}:pull`,
    go: "404",
  },
  // It sends clients on to the path that it thinks they mean, even if that makes a GET of their POST.
  { request: "GET group//image/manifests/v1", ours: "400 NAME_INVALID", go: "301" },
  { request: `POST ${UPLOADS}`, ours: `401 UNAUTHORIZED repository:${NAME}:pull,push`, go: "301" },
  // It wants the source of a mount to be readable in requests too that mount nothing.
  {
    request: `GET ${NAME}/manifests/v1?from=group/other`,
    ours: `401 UNAUTHORIZED repository:${NAME}:pull`,
    go: `401 UNAUTHORIZED repository:group/other:pull repository:${NAME}:pull`,
  },
  // It puts whatever stands in a request into the scope, so that a link can make clients ask for what it does not need.
  {
    request: `POST ${UPLOADS}/?mount=${ABSENT}&from=a:push%20repository:b`,
    ours: `401 UNAUTHORIZED repository:a?push?repository?b:pull repository:${NAME}:pull,push`,
    go: `401 UNAUTHORIZED repository:a:push repository:b:pull repository:${NAME}:pull,push`,
  },
];

let issuer: GitLabIssuer;
let ours: Awaited<ReturnType<typeof askAll>>;

beforeAll(async () => {
  issuer = await startGitLabIssuer();
  ours = await askAll("registry-ctl");
});

afterAll(() => issuer.close());

it("all that needs access is refused without a token, with a challenge that names it", () => {
  const refused = Object.values(ours.same);
  expect(refused.filter(({ status }) => status !== 401)).toEqual([]);
  for (const reply of refused)
    expect(readChallenge(reply.refusal ?? "")).toMatchObject({
      realm: issuer.realm,
      service: "container_registry",
    });
});

it.each(DIFFERENT)("registry-ctl answers $request with $ours", ({ request, ours: expected }) => {
  expect(summary(ours.different[request])).toBe(expected);
});

describeWithPrograms(["docker-registry"], "the Go registry", () => {
  let go: Awaited<ReturnType<typeof askAll>>;

  beforeAll(async () => {
    go = await askAll("docker-registry");
  });

  it("asks for the same", () => {
    expect(go.same).toEqual(ours.same);
  });

  it.each(DIFFERENT)("answers $request with $go", ({ request, go: expected }) => {
    expect(summary(go.different[request])).toBe(expected);
  });
});

async function askAll(
  program: "registry-ctl" | "docker-registry",
): Promise<{ same: Replies; different: Replies }> {
  const { server, folder } = await startAuthorisedRegistry(program, issuer);
  try {
    const requests = DIFFERENT.map(({ request }) => request);
    return {
      same: await askWithoutToken(server.url, SAME),
      different: await askWithoutToken(server.url, requests),
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

function summary(reply: Reply | undefined): string {
  const scope = reply?.refusal === undefined ? [] : [readChallenge(reply.refusal)["scope"]];
  return [reply?.status, ...(reply?.codes ?? []), ...scope].join(" ");
}
