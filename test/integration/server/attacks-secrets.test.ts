import { afterAll, beforeAll, beforeEach, describe, expect, it } from "vitest";
import { renderError } from "../../../src/cli/report-error.ts";
import { RegistryCtlError, StorageUnavailableError } from "../../../src/errors.ts";
import { formatLogRecord } from "../../../src/process/log/log-format.ts";
import { MemoryDriver } from "../../../src/storage/memory/memory-driver.ts";
import { type InProcessServer, startInProcessServer } from "../../support/in-process-server.ts";
import { rawAsk } from "../../support/raw-answers.ts";
import { everythingIn, StubAccess } from "../../support/stub-access.ts";

/*
 * Whoever reads logs, error messages or answers must not get what opens the registry: tokens, passwords, cookies, the
 * states of uploads, `http.secret`.
 */
const TOKEN = "eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhbGljZSJ9.aHVudGVyMg-signature";
const SECRETS = /hunter2|eyJhbGci|aHVudGVyMg|_state=(?!\*\*\*)/;
const SECRET = "hunter2 is the http.secret";

class FailingDriver extends MemoryDriver {
  failure: Error | undefined;

  override async stat(path: string): ReturnType<MemoryDriver["stat"]> {
    if (this.failure) throw this.failure;
    return super.stat(path);
  }

  override statFileSync(path: string): ReturnType<MemoryDriver["statFileSync"]> {
    if (this.failure) throw this.failure;
    return super.statFileSync(path);
  }

  override async put(path: string, content: Uint8Array): Promise<void> {
    if (this.failure) throw this.failure;
    await super.put(path, content);
  }
}

const driver = new FailingDriver();
let server: InProcessServer;

beforeAll(async () => {
  const access = new StubAccess({ alice: everythingIn("a") });
  server = await startInProcessServer({ access, driver, secret: SECRET });
});
afterAll(() => server.close());
beforeEach(() => {
  driver.failure = undefined;
  server.logged.length = 0;
  server.accessLines.length = 0;
});

const HEADERS = [
  "Authorization: Test alice",
  `Cookie: session=hunter2; token=${TOKEN}`,
  "X-Api-Key: hunter2",
  `Referer: https://alice:hunter2@gitlab.example.com/x?private_token=hunter2&jwt_token=${TOKEN}`,
];

/** Sends everything that has secrets in it, to every kind of request. @returns the answers to clients, as text */
async function askEverything(): Promise<string> {
  const start = await rawAsk(server.port, "/v2/a/blobs/uploads/?token=hunter2", {
    method: "POST",
    headers: HEADERS,
  });
  const upload =
    /\/v2\/a\/blobs\/uploads\/\S+/.exec(start.head)?.[0] ?? "/v2/a/blobs/uploads/x?_state=hunter2";
  const answers = [start.body];
  for (const [method, target] of [
    ["PATCH", upload],
    ["GET", `${upload}&access_token=hunter2`],
    ["PUT", `${upload}&digest=sha256:bad&password=hunter2`],
    ["DELETE", "/v2/a/blobs/uploads/x?_state=hunter2"],
    ["GET", `/v2/a/manifests/x?jwt_token=${TOKEN}`],
    ["GET", "http://alice:hunter2@r.example/v2/a/tags/list?authorization=hunter2"],
    ["GET", "/v2/other/tags/list?secret=hunter2"],
    ["GET", "/unknown?secret=hunter2"],
  ] as const) {
    answers.push((await rawAsk(server.port, target, { method, headers: HEADERS, body: "x" })).body);
  }
  return answers.join("\n");
}

function logAsText(): string {
  const time = new Date(0);
  return server.logged
    .flatMap(({ level, message, fields = {} }) =>
      (["text", "json", "logstash"] as const).map((form) =>
        formatLogRecord({ time, level: level === "error" ? "error" : "debug", message, fields }, form),
      ),
    )
    .join("\n");
}

describe("secrets of requests", () => {
  it("are in neither of the logs, when requests are served and when they are refused", async () => {
    const answers = await askEverything();
    expect(server.accessLines).toHaveLength(9);
    expect(server.accessLines.join("\n")).not.toMatch(SECRETS);
    expect(server.accessLines.join("\n")).toContain("?_state=***");
    expect(server.accessLines.join("\n")).toContain(
      '"https://***@gitlab.example.com/x?private_token=***&jwt_token=***"',
    );
    expect(server.logged.some((line) => line.message === "request refused")).toBe(true);
    expect(logAsText()).not.toMatch(SECRETS);
    expect(answers).not.toMatch(SECRETS);
  });

  it("are not in the log of a store that fails, whose own message is no business of clients", async () => {
    const cause = new Error(
      `PUT https://key:hunter2@store.example/bucket?X-Amz-Signature=hunter2 (Bearer ${TOKEN})`,
    );
    for (const failure of [
      new StorageUnavailableError("write /var/lib/registry: denied", { cause }),
      new RegistryCtlError("ERR_ANY", cause.message, { cause }),
      cause,
    ]) {
      driver.failure = failure;
      const answers = await askEverything();
      expect(answers).not.toMatch(SECRETS);
      expect(answers).not.toMatch(/var\/lib|store\.example|at .*\.ts/);
    }
    expect(server.logged.filter((line) => line.level === "error")).toHaveLength(3);
    expect(logAsText()).toContain("store.example");
    expect(logAsText()).not.toMatch(SECRETS);
  });
});

describe("secrets of the configuration", () => {
  it("are in no answer and in no log of the server", async () => {
    const answers = await askEverything();
    expect(answers + logAsText() + server.accessLines.join("\n")).not.toContain("http.secret");
  });
});

describe("crash reports", () => {
  const options = { json: false, verbose: true, version: "1.2.3", command: "serve" };
  const colours = { error: (text: string) => text } as Parameters<typeof renderError>[1]["colours"];

  it("have no secret of a URL, a header or a token in message, hint, stack or causes", () => {
    const message = `GET https://me:hunter2@h/?token=hunter2 with Basic aHVudGVyMg==, ${TOKEN}`;
    for (const json of [true, false]) {
      for (const error of [
        new RegistryCtlError("ERR_ANY", message, { hint: message, cause: new Error(message) }),
        new TypeError(message, { cause: new Error(message, { cause: new Error(message) }) }),
        message,
      ]) {
        const text = renderError(error, { ...options, json, colours });
        expect(text).toContain("https://***@h/?token=***");
        expect(text).not.toMatch(SECRETS);
      }
    }
  });
});
