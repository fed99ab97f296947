import { describe, expect, it } from "vitest";
import { digestOf } from "../../../../../src/oci/digest.ts";
import {
  candidatesOf,
  chooseAt,
  chooseLast,
  type TagEvent,
  type TagPast,
} from "../../../../../src/operations/tags/restore/tag-past.ts";

const [A, B, C] = ["a", "b", "c"].map((name) => digestOf(Buffer.from(name))) as [
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
  ReturnType<typeof digestOf>,
];

function past(now: TagPast["now"], links: [typeof A, number][], events: Partial<TagEvent>[] = []): TagPast {
  return {
    now,
    links: links.map(([digest, ms]) => ({ digest, ms })),
    events: events.map((event) => ({ ms: 0, before: undefined, after: "none", by: undefined, ...event })),
  };
}

describe("chooseLast", () => {
  it.each<[string, TagPast, typeof A]>([
    [
      "two pushes",
      past(B, [
        [A, 10],
        [B, 20],
      ]),
      A,
    ],
    [
      "three pushes",
      past(C, [
        [A, 10],
        [B, 20],
        [C, 30],
      ]),
      B,
    ],
    [
      "an image that came back",
      past(A, [
        [B, 20],
        [A, 30],
      ]),
      B,
    ],
    [
      "an overwrite that was written down",
      past(
        B,
        [
          [A, 10],
          [B, 20],
        ],
        [{ ms: 21, before: A, after: B }],
      ),
      A,
    ],
    [
      "links whose times were lost, and an audit",
      past(
        B,
        [
          [A, 90],
          [B, 90],
        ],
        [{ ms: 100, before: A, after: B }],
      ),
      A,
    ],
    [
      "a deletion",
      past(
        "none",
        [],
        [
          { ms: 10, before: A, after: B },
          { ms: 20, before: B, after: "none" },
        ],
      ),
      B,
    ],
    ["a push after a deletion", past(C, [[C, 30]], [{ ms: 20, before: B, after: "none" }]), B],
    [
      "a push that nobody wrote down, after one",
      past(
        C,
        [
          [B, 20],
          [C, 30],
        ],
        [{ ms: 20, before: A, after: B }],
      ),
      B,
    ],
    [
      "a deletion that was cut off",
      past("none", [
        [A, 10],
        [B, 20],
      ]),
      B,
    ],
    [
      "a broken link",
      past("unreadable", [
        [A, 10],
        [B, 20],
      ]),
      B,
    ],
    [
      "a tag that a command had set anew",
      past(
        B,
        [
          [A, 10],
          [B, 20],
        ],
        [{ ms: 10, before: "none", after: A }],
      ),
      A,
    ],
  ])("finds what it pointed to before: %s", (_, of, digest) => {
    expect(chooseLast(of)).toMatchObject({ digest });
  });

  it.each<[string, TagPast, RegExp]>([
    ["a tag that nobody knows", past("none", []), /nothing is known/],
    ["a tag that was never moved", past(A, [[A, 10]]), /nothing is known/],
    ["a deletion of a broken link", past("none", [], [{ ms: 20, after: "none" }]), /nothing is known/],
    [
      "two links of one time",
      past(C, [
        [A, 10],
        [B, 10],
        [C, 30],
      ]),
      /several/,
    ],
    [
      "a copied store, where all was written at once",
      past(B, [
        [A, 10],
        [B, 10],
      ]),
      /do not tell/,
    ],
    [
      "a tag that was set last to something else",
      past(A, [
        [A, 10],
        [B, 20],
      ]),
      /do not tell/,
    ],
    ["a tag without a link of its own in the history", past(A, [[B, 20]]), /do not tell/],
  ])("says what is unclear: %s", (_, of, why) => {
    expect(chooseLast(of)).toEqual({ unclear: expect.stringMatching(why) });
  });
});

describe("chooseAt", () => {
  const pushed = past(C, [
    [A, 10],
    [B, 20],
    [C, 30],
  ]);
  const audited = past(
    C,
    [[C, 29]],
    [
      { ms: 10, before: A, after: B },
      { ms: 20, before: B, after: "none" },
      { ms: 30, before: "none", after: C },
    ],
  );

  it.each<[string, TagPast, number, typeof A]>([
    ["between two pushes", pushed, 25, B],
    ["at the moment of a push", pushed, 20, B],
    ["just before it", pushed, 19, A],
    ["now", pushed, 1000, C],
    ["before the first change that was written down", audited, 5, A],
    ["between two such changes", audited, 15, B],
    ["after the last one", audited, 31, C],
    [
      "where link and audit of one push differ a little",
      past(
        B,
        [
          [A, 10],
          [B, 20],
        ],
        [{ ms: 21, before: A, after: B }],
      ),
      15,
      A,
    ],
  ])("finds what it pointed to: %s", (_, of, at, digest) => {
    expect(chooseAt(of, at)).toMatchObject({ digest });
  });

  it.each<[string, TagPast, number, RegExp]>([
    ["before anything is known", pushed, 9, /nothing is known/],
    ["while it was deleted", audited, 25, /was not there/],
    [
      "two links of one time",
      past(C, [
        [A, 10],
        [B, 10],
        [C, 30],
      ]),
      15,
      /several/,
    ],
    [
      "an audit that does not agree with the links",
      past(C, [[A, 10]], [{ ms: 30, before: B, after: C }]),
      20,
      /does not agree/,
    ],
    [
      "a push between, which hides what was before it",
      past(C, [[B, 20]], [{ ms: 30, before: B, after: C }]),
      15,
      /nothing is known/,
    ],
  ])("says what is unclear: %s", (_, of, at, why) => {
    expect(chooseAt(of, at)).toEqual({ unclear: expect.stringMatching(why) });
  });
});

it("lists all that a tag pointed to, each once, the last first", () => {
  const of = past(
    C,
    [
      [A, 10],
      [C, 29],
    ],
    [
      { ms: 20, before: A, after: B, by: "alice" },
      { ms: 30, before: B, after: C },
    ],
  );
  expect(candidatesOf(of)).toEqual([
    { digest: C, lastMs: 30, known: "since", source: "audit", by: undefined },
    { digest: B, lastMs: 30, known: "until", source: "audit", by: undefined },
    { digest: A, lastMs: 20, known: "until", source: "audit", by: "alice" },
  ]);
});
