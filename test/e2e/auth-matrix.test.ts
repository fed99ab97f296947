import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import {
  ABSENT,
  ask,
  askHalfway,
  askMounts,
  askWithOddTokens,
  askWithoutRepository,
  pushToAllProjects,
  type Replies,
} from "../support/auth-questions.ts";
import { startAuthorisedRegistry } from "../support/authorised-registries.ts";
import { type GitLabIssuer, startGitLabIssuer } from "../support/gitlab-issuer.ts";
import { TEST_CREDENTIALS } from "../support/gitlab-issuer-world.ts";
import { describeWithPrograms } from "../support/programs.ts";
import { askForToken } from "../support/token-client.ts";

/**
 * Who may do what: r pull, w push, d delete. The columns anonymous, guest and reporter (there: with all higher roles) are
 * GitLab's own table; the others are what roles and scopes of tokens add. A token with `write_registry` alone is good for
 * nothing, since a registry asks for pull with each push. `deployBoth` and `job` belong to team/private-open.
 *
 * @see https://docs.gitlab.com/user/packages/container_registry/#container-registry-visibility-permissions
 */
const TABLE = `
                      anonymous guest reporter stranger developer maintainer readToken writeToken bothToken codeToken apiToken deployRead deployBoth job
team/public-open      r         r     r        r        rw        rwd        r         -          rw        -         rwd      r          r          r
team/public-members   -         -     r        -        rw        rwd        r         -          rw        -         rwd      r          -          r
team/internal-open    -         r     r        r        rw        rwd        r         -          rw        -         rwd      r          -          r
team/internal-members -         -     r        -        rw        rwd        r         -          rw        -         rwd      r          -          r
team/private-open     -         -     r        -        rw        rwd        r         -          rw        -         rwd      r          rw         rwd
team/private-members  -         -     r        -        rw        rwd        r         -          rw        -         rwd      r          -          r
team/public-off       -         -     -        -        -         -          -         -          -         -         -        -          -          -
team/private-off      -         -     -        -        -         -          -         -          -         -         -        -          -          -
`;

/** For each action a request that needs it, and the answer if it is allowed. None of them changes what others see. */
const ACTIONS = {
  r: { method: "GET", path: "manifests/v1", allowed: 200 },
  w: { method: "POST", path: "blobs/uploads/", allowed: 202 },
  d: { method: "DELETE", path: `manifests/${ABSENT}`, allowed: 404 },
} as const;

/** All that a registry answered. */
interface Transcript {
  table: { letters: Table; replies: Replies };
  withoutRepository: Replies;
  mounts: Replies;
  oddTokens: Replies;
  halfway: Replies;
}

let issuer: GitLabIssuer;
let ours: Transcript;

beforeAll(async () => {
  issuer = await startGitLabIssuer();
  ours = await transcribe("registry-ctl");
}, 120_000);

afterAll(() => issuer.close());

it("the tokens are as GitLab makes them", async () => {
  const scopes = "repository:team/private-open/image:pull,push repository:team/public-open:pull,delete";
  const challenge = `Bearer realm="${issuer.realm}",service="container_registry",scope="${scopes}"`;
  const { token = "" } = await askForToken(challenge, TEST_CREDENTIALS.deployBoth);
  const [header, claims] = token
    .split(".")
    .slice(0, 2)
    .map((part) => JSON.parse(Buffer.from(part, "base64url").toString()));
  expect(header).toEqual({
    typ: "JWT",
    alg: "RS256",
    kid: expect.stringMatching(/^([A-Z2-7]{4}:){11}[A-Z2-7]{4}$/),
  });
  expect(claims).toEqual({
    jti: expect.stringMatching(/^[0-9a-f-]{36}$/),
    iss: "omnibus-gitlab-issuer",
    aud: "container_registry",
    iat: expect.any(Number),
    nbf: claims.iat - 5,
    exp: claims.iat + 300,
    auth_type: "deploy_token",
    access: [
      {
        type: "repository",
        name: "team/private-open/image",
        actions: ["pull", "push"],
        meta: { project_path: "team/private-open", project_id: 5, root_namespace_id: 1 },
      },
      {
        type: "repository",
        name: "team/public-open",
        actions: ["pull"],
        meta: { project_path: "team/public-open", project_id: 1, root_namespace_id: 1 },
      },
    ],
    user: expect.stringMatching(/^eyJ/),
  });
});

describe("registry-ctl", () => {
  describeTranscript(() => ours);
});

describeWithPrograms(["docker-registry"], "the Go registry", () => {
  let go: Transcript;

  beforeAll(async () => {
    go = await transcribe("docker-registry");
  }, 120_000);

  describeTranscript(() => go);

  it("gives registry-ctl's answers, challenges included, to all that is asked here", () => {
    expect(go).toEqual(ours);
  });
});

/** Declares what both registries must do. */
function describeTranscript(transcript: () => Transcript): void {
  it("lets in exactly whom GitLab's table lets in", () => {
    const { letters, replies } = transcript().table;
    expect(letters).toEqual(readTable());
    const others = Object.values(replies).filter(({ status }) => ![200, 202, 404, 401].includes(status));
    expect(others).toEqual([]);
  });

  it("shows the catalog to administrators only", () => {
    const replies = statuses(transcript().withoutRepository);
    const shown = Object.keys(replies).filter((what) => what.startsWith("catalog") && replies[what] === 200);
    expect(shown).toEqual(["catalog as admin"]);
  });

  it("mounts what the user may read, and tells nobody what is where he may not look", () => {
    expect(statuses(transcript().mounts)).toEqual({
      "developer from team/private-open": 201,
      "stranger from team/private-open": 401,
      "stranger from team/private-open, a blob that is nowhere": 401,
      "stranger from nowhere": 202,
      "stranger from stranger/own and team/private-open": 202,
      "stranger from team/private-open and stranger/own": 401,
      "stranger looks for the blob in stranger/own": 404,
      "stranger looks for the blob in team/private-open": 401,
      "stranger looks for a blob that is nowhere in team/private-open": 401,
    });
  });

  it("takes no token but good ones, and allows for a minute between clocks", () => {
    const replies = statuses(transcript().oddTokens);
    const taken = Object.keys(replies).filter((what) => replies[what] === 200);
    expect(taken).toEqual(["good", "just expired", "soon valid", "pushing"]);
    expect(Object.values(replies).filter((status) => status !== 200 && status !== 401)).toEqual([]);
  });

  it("goes on with an upload whose token expired halfway, when a new one comes", () => {
    expect(Object.values(statuses(transcript().halfway))).toEqual([202, 202, 401, 202, 401, 201]);
  });
}

async function transcribe(program: "registry-ctl" | "docker-registry"): Promise<Transcript> {
  const { server, folder } = await startAuthorisedRegistry(program, issuer);
  try {
    await pushToAllProjects(server.url, issuer);
    return {
      table: await askTable(server.url),
      withoutRepository: await askWithoutRepository(server.url),
      mounts: await askMounts(server.url),
      oddTokens: await askWithOddTokens(server.url),
      halfway: await askHalfway(server.url),
    };
  } finally {
    await server.stop();
    await rm(folder, { recursive: true });
  }
}

/** Everybody tries everything everywhere. @returns the table that comes of it, and the answers in full */
async function askTable(url: string): Promise<Transcript["table"]> {
  const replies: Replies = {};
  const letters: Table = {};
  for (const [project, row] of Object.entries(readTable())) {
    const cells = Object.keys(row).map(async (who) => {
      let cell = "";
      for (const [letter, { method, path, allowed }] of Object.entries(ACTIONS)) {
        const reply = await ask(who, method, `${url}/v2/${project}/image/${path}`);
        replies[`${method} ${project}/image/${path} as ${who}`] = reply;
        if (reply.status === allowed) cell += letter;
      }
      return [who, cell || "-"];
    });
    letters[project] = Object.fromEntries(await Promise.all(cells));
  }
  return { letters, replies };
}

/** By project and by who asks. */
type Table = Record<string, Record<string, string>>;

function readTable(): Table {
  const [heads = [], ...rows] = TABLE.trim()
    .split("\n")
    .map((line) => line.trim().split(/\s+/));
  return Object.fromEntries(
    rows.map(([project = "", ...cells]) => [
      project,
      Object.fromEntries(cells.map((letters, column) => [heads[column] ?? "", letters])),
    ]),
  );
}

function statuses(replies: Replies): Record<string, number> {
  return Object.fromEntries(Object.entries(replies).map(([what, { status }]) => [what, status]));
}
