import { describe, expect, it } from "vitest";
import type { LogSettings } from "../../../src/config/settings.ts";
import { createLogger } from "../../../src/process/log/create-logger.ts";
import { formatLogRecord, type LogRecord } from "../../../src/process/log/log-format.ts";

const record: LogRecord = {
  time: new Date("2026-01-02T03:04:05.678Z"),
  level: "warn",
  message: 'disk "a" is\nfull',
  fields: {
    plain: "library/alpine",
    spaced: "a b",
    count: 3,
    none: undefined,
    nested: { a: [1] },
    level: "x",
  },
};

describe("formatLogRecord", () => {
  it("writes text as logrus does, one line whatever is in it", () => {
    expect(formatLogRecord({ ...record, fields: { ...record.fields, level: undefined } }, "text")).toBe(
      'time="2026-01-02T03:04:05.678Z" level=warning msg="disk \\"a\\" is\\nfull" plain=library/alpine spaced="a b" ' +
        'count=3 nested="{\\"a\\":[1]}"',
    );
  });

  it("writes JSON with the names of logrus, and no field in the place of its own", () => {
    expect(JSON.parse(formatLogRecord(record, "json"))).toEqual({
      level: "warning",
      msg: 'disk "a" is\nfull',
      time: "2026-01-02T03:04:05.678Z",
      plain: "library/alpine",
      spaced: "a b",
      count: 3,
      nested: { a: [1] },
      "fields.level": "x",
    });
  });

  it("writes what Logstash expects", () => {
    expect(
      JSON.parse(formatLogRecord({ ...record, fields: { error: new Error("why") } }, "logstash")),
    ).toEqual({
      "@timestamp": "2026-01-02T03:04:05.678Z",
      "@version": "1",
      level: "warning",
      message: 'disk "a" is\nfull',
      error: "why",
    });
  });
});

describe("what clients send", () => {
  const sent = 'GET /a\u0085\u009b2J\u2028b\u202e\r\nlevel=error msg="forged"';

  it.each(["text", "json", "logstash"] as const)("ends no line and commands no terminal: %s", (formatter) => {
    const line = formatLogRecord({ ...record, message: sent, fields: { uri: sent } }, formatter);
    expect(line).not.toMatch(/[^\x20-\x7e]/);
    if (formatter === "text") return;
    expect(JSON.parse(line).uri).toBe(sent);
  });

  it("does not show secrets, by the name of a field and by the form of a text", () => {
    const fields = {
      uri: "/v2/a/blobs/uploads/u?_state=hunter2&digest=d",
      error: new Error("GET https://me:hunter2@h failed"),
      headers: { authorization: "Basic aHVudGVyMg==", accept: "*/*" },
      password: "hunter2",
    };
    for (const formatter of ["text", "json", "logstash"] as const) {
      const message = "cannot reach redis://:hunter2@h";
      const line = formatLogRecord({ ...record, message, fields }, formatter);
      expect(line).not.toMatch(/hunter2|aHVudGVyMg/);
      expect(line).toContain("?_state=***&digest=d");
    }
  });
});

describe("createLogger", () => {
  async function linesOf(level: LogSettings["level"]): Promise<string[]> {
    const lines: string[] = [];
    const settings: LogSettings = {
      level,
      formatter: "json",
      fields: { service: "r" },
      accessLogDisabled: false,
    };
    const logger = await createLogger(settings, (line) => lines.push(line));
    logger.trace("1");
    logger.debug("2");
    logger.info("3");
    logger.warn("4");
    logger.error("5", { why: "x" });
    logger.child({ worker: 2 }).child({ request: "q" }).error("6", { why: "y" });
    return lines;
  }

  it("writes from its level upwards", async () => {
    expect((await linesOf("trace")).length).toBe(6);
    expect((await linesOf("warn")).map((line) => JSON.parse(line).msg)).toEqual(["4", "5", "6"]);
  });

  it("adds the fields of the configuration, of its parents and of the call", async () => {
    const lines = await linesOf("error");
    expect(lines.map((line) => JSON.parse(line))).toMatchObject([
      { service: "r", why: "x" },
      { service: "r", worker: 2, request: "q", why: "y" },
    ]);
  });
});
