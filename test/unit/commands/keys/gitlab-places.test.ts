import { describe, expect, it } from "vitest";
import { gitlabPlaces } from "../../../../src/commands/keys/gitlab-places.ts";

describe("gitlabPlaces", () => {
  it("names each half where GitLab and the registry look for it", () => {
    const text = gitlabPlaces({
      keyFile: "/k/a.key",
      certificateFile: "/k/a.crt",
      issuer: "gitlab-issuer",
    }).join("\n");
    expect(text).toContain("registry['internal_key'] = File.read('/k/a.key')\n");
    expect(text).toContain("registry['internal_certificate'] = File.read('/k/a.crt')\n");
    expect(text).toContain("gitlab_rails['registry_issuer'] = 'gitlab-issuer'\n");
    expect(text).toContain("--from-file=registry-auth.key=/k/a.key \\\n");
    expect(text).toContain("--from-file=registry-auth.crt=/k/a.crt\n");
    expect(text).toContain('global.registry.tokenIssuer: "gitlab-issuer"\n');
    expect(text).toContain('auth.token.rootcertbundle: "/k/a.crt"\n');
    expect(text).toContain('auth.token.issuer: "gitlab-issuer"\n');
  });

  it("writes names so that Ruby, a shell and YAML read them as they are", () => {
    const text = gitlabPlaces({ keyFile: "/o'n \\k", certificateFile: "/$(c)", issuer: "a 'b'" }).join("\n");
    expect(text).toContain(String.raw`File.read('/o\'n \\k')`);
    expect(text).toContain(String.raw`registry-auth.key='/o'\''n \k' `);
    expect(text).toContain("registry-auth.crt='/$(c)'");
    expect(text).toContain(String.raw`'a \'b\''`);
    expect(text).toContain(String.raw`key: "/o'n \\k"`);
  });
});
