import { type Answer, emptyAnswer } from "../answer.ts";

const EMPTY_OBJECT = Buffer.from("{}");

/** Tells a client, by its status alone, that this is a registry that it may use. */
export function getBase(): Answer {
  return { status: 200, headers: { "Content-Type": "application/json" }, body: EMPTY_OBJECT };
}

/** Answers `/` as the Go registry does, for load balancers that look there. */
export function getRoot(): Answer {
  return emptyAnswer(200, { "Cache-Control": "no-cache" });
}
