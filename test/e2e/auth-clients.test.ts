import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, describe, expect, it } from "vitest";
import { type GitLabHost, startGitLabHost } from "../support/gitlab-host.ts";
import { TEST_CREDENTIALS as as } from "../support/gitlab-issuer-world.ts";
import { AUTH_CLIENTS, type AuthClient } from "../support/logged-in-clients.ts";
import { describeWithPrograms, type ProgramName } from "../support/programs.ts";
import { type RealImage, realImages } from "../support/real-images.ts";
import { attempt } from "../support/token-client.ts";

/** What clients say when somebody is kept out, in their own words. */
const DENIED = /denied|unauthorized|forbidden|authentication required|insufficient_scope|invalid username/i;

const PROGRAMS: ProgramName[] = ["umoci", "nginx", "skopeo", "podman", "oras", "crane"];

describeWithPrograms(PROGRAMS, "behind nginx, with the config.yml of a GitLab package", () => {
  let host: GitLabHost;
  let folder: string;
  let image: RealImage;

  beforeAll(async () => {
    image = (await realImages()).single;
    folder = await mkdtemp(join(tmpdir(), "registry-ctl-auth-"));
    host = await startGitLabHost();
    const maintainer = await AUTH_CLIENTS.skopeo(host, folder);
    await maintainer.login(as.maintainer);
    for (const project of ["team/public-open", "team/private-open"])
      await maintainer.push(image.layout, `${project}/there`);
  }, 300_000);

  afterAll(async () => {
    await host?.stop();
    await rm(folder, { recursive: true, force: true });
  });

  describe.each(["skopeo", "podman", "oras", "crane"] as const)("%s", (name) => {
    const client = (): Promise<AuthClient> => AUTH_CLIENTS[name](host, folder);

    it.each(["developer", "bothToken", "deployBoth", "job"] as const)(
      "logs in with %s, pushes to a private project and pulls from it",
      async (who) => {
        const logged = await client();
        const repository = `team/private-open/${name}/${who.toLowerCase()}`;
        await logged.login(as[who]);
        await logged.push(image.layout, repository);
        expect(await logged.pull(repository)).toBe(await logged.pull("team/private-open/there"));
      },
    );

    it("gets nothing with a wrong password, not even what is public", async () => {
      const logged = await client();
      const wrong = { username: "developer", password: "password of guest" };
      // Most refuse to log in; crane looks only when it pulls.
      const pulled = logged.login(wrong).then(() => logged.pull("team/public-open/there"));
      await expect(pulled).rejects.toThrow(DENIED);
    });

    it.each(["readToken", "deployRead", "reporter"] as const)(
      "pulls from a private project with %s, and cannot push",
      async (who) => {
        const logged = await client();
        await logged.login(as[who]);
        expect(await logged.pull("team/private-open/there")).toMatch(/[0-9a-f]{64}/);
        await expect(logged.push(image.layout, `team/private-open/${name}/no`)).rejects.toThrow(DENIED);
      },
    );

    it.each(["stranger", "guest"] as const)("cannot pull from a private project as %s", async (who) => {
      const logged = await client();
      await logged.login(as[who]);
      await expect(logged.pull("team/private-open/there")).rejects.toThrow(DENIED);
    });

    it("pulls from a public project without logging in, and not from a private one", async () => {
      const anonymous = await client();
      expect(await anonymous.pull("team/public-open/there")).toMatch(/[0-9a-f]{64}/);
      await expect(anonymous.pull("team/private-open/there")).rejects.toThrow(DENIED);
      await expect(anonymous.push(image.layout, "team/public-open/no")).rejects.toThrow(DENIED);
    });
  });

  it("crane mounts the blobs of a project that its user may read, instead of sending them", async () => {
    const crane = await AUTH_CLIENTS.crane(host, folder);
    await crane.login(as.developer);
    const before = (await host.nginx.accessLog()).length;
    await crane.copy("team/public-open/there", "team/private-open/mounted");
    const log = (await host.nginx.accessLog()).slice(before);
    expect(log).toContainEqual(expect.stringMatching(/^POST \S+mounted\S+from=team%2Fpublic-open\S* 201$/));
    expect(log.filter((line) => line.startsWith("PATCH"))).toEqual([]);
  });

  it("addresses begin with what the client called, not with what nginx called", async () => {
    const target = `https://${host.registry}/v2/team/private-open/address/blobs/uploads/`;
    const { answer } = await attempt({ method: "POST", url: target }, as.developer);
    expect(answer.status).toBe(202);
    expect(answer.headers.location).toMatch(
      `https://${host.registry}/v2/team/private-open/address/blobs/uploads/`,
    );
  });

  it("no token and no password is written to the log", () => {
    const { stdout, stderr } = host.server.output;
    expect(stdout + stderr).not.toMatch(/eyJ[\w-]{20}|password of|glpat-|gldt-|glcbt-/);
    expect(stdout).toContain("/v2/team/private-open/there/manifests/v1");
  });
});
