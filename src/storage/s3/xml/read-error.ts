import { XmlError, XmlScanner } from "./xml-scanner.ts";

/** What the body of a refusal says. */
export interface ErrorBody {
  /** Such as `NoSuchKey`; empty if the body names none. */
  code: string;
  message: string;
  requestId: string;
  /** All plain elements of the body, by name: `Region`, `Endpoint`, `ServerTime`. */
  details: Readonly<Record<string, string>>;
}

/** @returns what a refusal says; undefined if the body is no XML, or not that of a refusal */
export function readErrorBody(body: Uint8Array): ErrorBody | undefined {
  const details: Record<string, string> = {};
  try {
    const xml = new XmlScanner(body);
    if (!findError(xml)) return undefined;
    while (xml.next() === "open") details[xml.name] = xml.readText();
  } catch (error) {
    if (!(error instanceof XmlError)) throw error;
    // Cut short: what came may still name the cause.
    if (details["Code"] === undefined) return undefined;
  }
  return {
    code: details["Code"] ?? "",
    message: details["Message"] ?? "",
    requestId: details["RequestId"] ?? "",
    details,
  };
}

/** Some services wrap it: `<ErrorResponse><Error>…</Error></ErrorResponse>`. */
function findError(xml: XmlScanner): boolean {
  xml.next();
  const root = xml.name;
  if (root !== "ErrorResponse") return root === "Error";
  while (xml.next() === "open") {
    if (xml.name === "Error") return true;
    xml.skip();
  }
  return false;
}
