import { describe, expect, test } from "vitest";
import { XmlError, XmlScanner } from "../../../../../src/storage/s3/xml/xml-scanner.ts";

const scanner = (xml: string) => new XmlScanner(Buffer.from(xml));

/** The text of the only element below the root. */
function textOf(content: string): string {
  const xml = scanner(`<Root><A>${content}</A></Root>`);
  xml.next();
  xml.next();
  return xml.readText();
}

function readAll(text: string): string[] {
  const xml = scanner(text);
  const tags: string[] = [];
  for (let tag = xml.next(); tag !== "end"; tag = xml.next())
    tags.push(tag === "open" ? xml.name : `/${xml.depth}`);
  return tags;
}

describe("XmlScanner", () => {
  test("steps through tags in order, and skips declarations, attributes and comments", () => {
    const text = `<?xml version="1.0"?>\n<!-- a <b> --><Root xmlns="http://x/"><A b="c">1</A><B/></Root>\n`;
    expect(readAll(text)).toEqual(["Root", "A", "/1", "B", "/1", "/0"]);
  });

  test("decodes entities, numbers and raw sections", () => {
    expect(textOf("a&amp;b &lt;c&gt; &quot;d&quot; &apos;")).toBe(`a&b <c> "d" '`);
    expect(textOf("&#233;&#xe9;&#x1F433;")).toBe("éé🐳");
    expect(textOf("x<![CDATA[<y>&amp;]]>z")).toBe("x<y>&amp;z");
    expect(textOf("a<!-- not this -->b")).toBe("ab");
  });

  test("leaves entities that it does not know as they are", () => {
    expect(textOf("&unknown; &#x110000; & ")).toBe("&unknown; &#x110000; & ");
  });

  test("keeps spaces of a text, since keys may have them", () => {
    expect(textOf("  a \n")).toBe("  a \n");
  });

  test("gives no text for an element that holds others", () => {
    expect(textOf("x<B>y</B>z")).toBe("");
  });

  test("skips an element with all that is in it", () => {
    const xml = scanner("<Root><A><B><C/></B><B>1</B></A><D>2</D></Root>");
    xml.next();
    xml.next();
    xml.skip();
    expect(xml.next()).toBe("open");
    expect(xml.name).toBe("D");
    expect(xml.readText()).toBe("2");
  });

  test("skips an empty element", () => {
    const xml = scanner("<Root><A/><D>2</D></Root>");
    xml.next();
    xml.next();
    xml.skip();
    xml.next();
    expect(xml.name).toBe("D");
  });

  test.each(["", "no xml", "<?xml version='1.0'?>", "{}"])("finds no document in %j", (text) => {
    expect(() => readAll(text)).toThrow(XmlError);
  });

  test("notices at whatever byte a document breaks off", () => {
    const whole = `<?xml version="1.0"?><Root a="b"><A>1&amp;2</A><B/><!-- c --></Root>`;
    for (let length = 0; length < whole.length; length++) {
      expect(() => readAll(whole.slice(0, length)), whole.slice(0, length)).toThrow(XmlError);
    }
    expect(readAll(whole)).toHaveLength(6);
  });

  test("refuses declarations of entities", () => {
    expect(() => readAll(`<!DOCTYPE r [<!ENTITY a "b">]><r>&a;</r>`)).toThrow(XmlError);
  });

  test("reads only the part of a buffer that it is given", () => {
    const bytes = Buffer.from("garbage<A>1</A>garbage").subarray(7, 15);
    const xml = new XmlScanner(bytes);
    xml.next();
    expect(xml.readText()).toBe("1");
    expect(xml.next()).toBe("end");
  });
});
