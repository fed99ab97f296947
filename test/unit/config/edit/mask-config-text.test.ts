import { expect, it } from "vitest";
import { maskConfigText } from "../../../../src/config/edit/mask-config-text.ts";

it("masks secrets by the schema and by name, and keeps every line", () => {
  const text = `version: 0.1
http:
  secret: "abc # def"
  headers:
    Authorization: [Basic-abc]
    X-Other: [hidden3]
storage: {"s3":{"accesskey":"AKIA1","secretkey":"sk1","bucket":"b"}}
redis:
  password: |
    line1
    line2
  addr: localhost
auth:
  token:
    issuer: seen-issuer
notifications:
  endpoints:
    - name: seen-name
      url: https://user:pw@host/x
      headers: {X-Secret-Token: [tok1]}
# secret: old1
  # password: old2
`;
  const masked = maskConfigText(text);
  for (const hidden of ["abc", "def", "sk1", "line1", "line2", "pw@", "tok1", "old1", "old2", "hidden3"]) {
    expect(masked).not.toContain(hidden);
  }
  for (const shown of ["seen-issuer", "seen-name", "X-Other:", '"bucket":"b"', "addr: localhost"]) {
    expect(masked).toContain(shown);
  }
  expect(masked.split("\n")).toHaveLength(text.split("\n").length);
});

it("masks what an alias brings to a secret key", () => {
  expect(maskConfigText("x: &s hidden1\nhttp:\n  secret: *s\n")).not.toContain("hidden1");
});

it("masks by name in a text that is no YAML", () => {
  const masked = maskConfigText("http:\n  secret: hidden1\n a: b: [\n");
  expect(masked).not.toContain("hidden1");
  expect(masked.split("\n")).toHaveLength(4);
});

it("leaves empty secrets as they are", () => {
  expect(maskConfigText('http:\n  secret: ""\nredis:\n  password:\n')).toBe(
    'http:\n  secret: ""\nredis:\n  password:\n',
  );
});

it.each([
  "http: {headers: {X-A: [hidden1, hidden1]}}",
  "http:\n  headers:\n    X-A:\n    - hidden1\n    - >-\n      hidden1\n      hidden1\n",
  "notifications:\n  endpoints:\n  - name: n\n    headers:\n      X-A: [hidden1]\n",
  "health:\n  http:\n  - uri: https://a:hidden1@h/?token=hidden1\n    headers: {X-A: [hidden1]}\n",
  "http: {secret: hidden1}",
  "http: {'secret': 'hidden1'}",
  "proxy:\n  remoteurl: https://me:hidden1@hub\n  username: me\n  password: hidden1\n",
  "redis:\n  password: hidden1\n  sentinelpassword: hidden1\n",
  "storage: {s3: {accesskey: hidden1, secretkey: hidden1, sessiontoken: hidden1}}",
  "storage: {azure: {accountkey: hidden1, credentials: {secret: hidden1}}}",
  "storage: {gcs: {credentials: {private_key: hidden1, client_email: hidden1}}}",
  "storage: {swift: {password: hidden1, secretkey: hidden1, accesskey: hidden1}}",
  "storage: {oss: {accesskeyid: hidden1, accesskeysecret: hidden1}}",
  "auth: {token: {realm: 'https://me:hidden1@gitlab/jwt/auth'}}",
  "database: {enabled: false, password: hidden1}",
  "reporting: {bugsnag: {apikey: hidden1}, newrelic: {licensekey: hidden1}, sentry: {dsn: hidden1}}",
  "log:\n  hooks:\n  - type: mail\n    options: {smtp: {password: hidden1}}\n  fields: {api-key: hidden1}\n",
  "middleware: {storage: [{name: cloudfront, options: {privatekey: hidden1}}]}",
  "x: &x {X-A: [hidden1]}\nhttp: {headers: *x}",
  "x: &x {headers: {X-A: [hidden1]}}\nhttp: {<<: *x}",
  "x: &x {headers: {X-A: [hidden1]}}\ny: &y {z: 1}\nhttp: {<<: [*y, *x]}",
  "x: &x {name: n, headers: {X-A: [hidden1]}}\nnotifications: {endpoints: [*x]}",
  "x: &x [hidden1]\nhttp: {headers: {X-A: *x}}",
  "# REGISTRY_HTTP_SECRET=hidden1\nversion: 0.1\n",
  "#http:\n#  headers:\n#    Authorization: [hidden1]\n",
  "#http:\n#  headers:\n#    X-A: [hidden1]\n#    X-B:\n#      - hidden1\n",
  "http:\n  # headers: {X-A: [hidden1]}\n  addr: :5000\n",
  "version: 0.1 # password = hidden1\n",
])("shows nothing of the secret in %j", (text) => {
  const masked = maskConfigText(text);
  expect(masked).not.toContain("hidden1");
  expect(masked.split("\n")).toHaveLength(text.split("\n").length);
});

it("leaves what is no secret in comments and below them as it is", () => {
  const text =
    "# headers: see the page of nginx\nhttp:\n  # addr: where it listens\n  #headers:\n  addr: :5000\n# host: example\n";
  expect(maskConfigText(text)).toBe(text.replace("see the page of nginx", "***"));
});

it("comes to an end with aliases that lead to themselves or to many others", () => {
  const bomb = Array.from(
    { length: 30 },
    (_, index) => `a${index + 1}: &a${index + 1} [*a${index}, *a${index}]`,
  );
  const text = ["http: &h {headers: *h, <<: *h}", "a0: &a0 [x]", ...bomb].join("\n");
  expect(maskConfigText(text)).toBe(text);
});
