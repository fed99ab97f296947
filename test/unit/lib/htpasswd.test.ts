import fc from "fast-check";
import { describe, expect, it } from "vitest";
import {
  HtpasswdFile,
  hashKindOf,
  nameForPeople,
  nameInFile,
  userNameProblem,
} from "../../../src/lib/htpasswd.ts";

const HASH = `$2y$05$${"a".repeat(53)}`;

function parse(text: string): HtpasswdFile {
  return HtpasswdFile.parse(Buffer.from(text));
}

function text(file: HtpasswdFile): string {
  return file.toBytes().toString();
}

describe("HtpasswdFile", () => {
  it("reads users, and skips comments and empty lines", () => {
    const file = parse(`# people\n\nalice:${HASH}\n  bob:x:y  \r\n`);
    expect(file.entries).toEqual([
      { line: 3, name: "alice", hash: HASH },
      { line: 4, name: "bob", hash: "x:y" },
    ]);
    expect(file.brokenLines).toEqual([]);
  });

  it("tells of lines that are no user", () => {
    expect(parse("alice\n:nobody\nbob:x\n").brokenLines).toEqual([1, 2]);
  });

  it("adds a user at the end, also behind a last line without an end", () => {
    expect(text(HtpasswdFile.empty.withUser("alice", "h"))).toBe("alice:h\n");
    expect(text(parse("docker:x").withUser("alice", "h"))).toBe("docker:x\nalice:h\n");
    expect(text(parse("docker:x\n").withUser("alice", "h"))).toBe("docker:x\nalice:h\n");
  });

  it("gives a user another hash in its place, in each line of that name", () => {
    const file = parse("# a\r\nalice:1\r\nbob:2\nalice:3\n");
    expect(text(file.withUser("alice", "new"))).toBe("# a\r\nalice:new\r\nbob:2\nalice:new\n");
  });

  it("removes every line of a user and nothing else", () => {
    const file = parse("# alice:0\nalice:1\nalicea:2\nodd line\nalice:3");
    expect(text(file.withoutUser("alice"))).toBe("# alice:0\nalicea:2\nodd line");
  });

  it("writes back whatever bytes there are", () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => {
        expect([...HtpasswdFile.parse(bytes).toBytes()]).toEqual([...bytes]);
      }),
    );
  });

  it("leaves all other lines as they were when users are added and removed", () => {
    const line = fc.stringMatching(/^[ -~]{0,20}$/).filter((each) => !each.trim().startsWith("carol:"));
    fc.assert(
      fc.property(fc.array(line), (lines) => {
        const before = parse(lines.map((each) => `${each}\n`).join(""));
        expect(text(before.withUser("carol", "h").withoutUser("carol"))).toBe(text(before));
      }),
    );
  });

  it("compares names by bytes", () => {
    expect(parse("josé:utf8\n").has(nameInFile("josé"))).toBe(true);
    const latin = HtpasswdFile.parse(Buffer.from("josé:latin\n", "latin1"));
    expect(latin.has(nameInFile("josé"))).toBe(false);
    expect(nameForPeople(nameInFile("josé"))).toBe("josé");
  });
});

describe("hashKindOf", () => {
  it.each(["2a", "2b", "2y"])("knows $%s$ for bcrypt", (version) => {
    expect(hashKindOf(`$${version}$10$${"./Az09".repeat(9).slice(0, 53)}`)).toEqual({
      kind: "bcrypt",
      cost: 10,
    });
  });

  it.each([
    ["$apr1$abc$def", "MD5 (apr1)"],
    ["{SHA}deadbeef", "SHA-1"],
    ["$6$salt$hash", "SHA-512 (crypt)"],
    ["rqXexS6ZhobKA", "crypt or plain text"],
    [`$2x$10$${"a".repeat(53)}`, "damaged bcrypt"],
    [`$2y$10$${"a".repeat(52)}`, "damaged bcrypt"],
    [`$2y$03$${"a".repeat(53)}`, "damaged bcrypt"],
    [`$2y$31$${"a".repeat(53)}`, "bcrypt of cost 31, which is too slow"],
    ["", "crypt or plain text"],
  ])("knows %s for %s", (hash, name) => {
    expect(hashKindOf(hash)).toEqual({ kind: "other", name });
  });
});

describe("userNameProblem", () => {
  it.each(["alice", "josé", "a b", "group/ci-bot", "名前", "a".repeat(255)])("takes %j", (name) => {
    expect(userNameProblem(name)).toBeUndefined();
  });

  it.each(["", "a:b", "a\nb", "a\0", "#a", " a", "a ", "\u0085a", "a\u2028b", "\ud800", "é".repeat(128)])(
    "refuses %j",
    (name) => {
      expect(userNameProblem(name)).toBeTypeOf("string");
    },
  );

  it("takes no name that would not be read again as itself", () => {
    fc.assert(
      fc.property(fc.string({ unit: "binary", maxLength: 5 }), (name) => {
        fc.pre(userNameProblem(name) === undefined);
        const read = HtpasswdFile.parse(HtpasswdFile.empty.withUser(nameInFile(name), "h").toBytes());
        expect(read.entries.map((entry) => nameForPeople(entry.name))).toEqual([name]);
      }),
    );
  });
});
