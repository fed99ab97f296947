import { describe, expect, it } from "vitest";
import { maskLines } from "../../../src/lib/mask-lines.ts";

describe("maskLines", () => {
  it.each([
    ["AWS_SECRET_ACCESS_KEY=hunter2", "AWS_SECRET_ACCESS_KEY=***"],
    ["DB_PASSWORD = hunter2 and more", "DB_PASSWORD = ***"],
    ["# TOKEN=hunter2 # the hunter of old", "# TOKEN=***"],
    ["Environment=REGISTRY_HTTP_SECRET=hunter2 A=b", "Environment=REGISTRY_HTTP_SECRET=*** A=b"],
    ['Environment="MY_TOKEN=hunter 2" "A=b"', 'Environment="MY_TOKEN=***" "A=b"'],
    ["Environment='MY_TOKEN=hunter2'", "Environment='MY_TOKEN=***'"],
    ["1 1 * * * root backup --password hunter2 /srv", "1 1 * * * root backup --password *** /srv"],
    ["1 1 * * * root backup --password='hunter 2' /srv", "1 1 * * * root backup --password=*** /srv"],
    ["1 1 * * * root A_TOKEN=hunter2 run --all", "1 1 * * * root A_TOKEN=*** run --all"],
    ["1 1 * * * root curl -u admin:hunter2 -s x", "1 1 * * * root curl -u admin:*** -s x"],
    ["1 1 * * * root curl --user=admin:hunter2 x", "1 1 * * * root curl --user=admin:*** x"],
    ['curl -H "X-Api-Key: hunter2" x', 'curl -H "X-Api-Key: ***" x'],
    ["1 1 * * * root curl https://a:hunter2@b/", "1 1 * * * root curl https://***@b/"],
  ])("shows nothing of the secret in %s", (line, shown) => {
    expect(maskLines(line)).toBe(shown);
  });

  it.each([
    "5 4 * * 0 root /usr/bin/node /opt/r.js cron run -- garbage-collect --key /etc/a.key --max-delete 30\\% /etc/c.yml",
    "  ssl_certificate_key /etc/nginx/ssl/token.key;",
    "# tokens are asked for by the registry",
    "SHELL=/bin/sh",
    "DB_PASSWORD=",
  ])("leaves %s as it is", (line) => {
    expect(maskLines(line)).toBe(line);
  });

  it("leaves a text as many lines as it has", () => {
    expect(maskLines("TOKEN=a\r\n\nTOKEN=b\n")).toBe("TOKEN=***\n\nTOKEN=***\n");
  });
});
