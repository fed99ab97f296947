import { expect, it } from "vitest";
import { csvLine } from "../../../src/lib/csv.ts";

it("quotes only what would not be read as it stands", () => {
  expect(csvLine(["a", 1, "b c", 'say "x"', "1,2", "two\nlines", ""])).toBe(
    'a,1,b c,"say ""x""","1,2","two\nlines",\n',
  );
});
