import { chmod, mkdir, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, describe, expect, it } from "vitest";
import type { Digest } from "../../src/oci/digest.ts";
import { FilesystemDriver } from "../../src/storage/filesystem/filesystem-driver.ts";
import { type AuthorisedRegistry, startAuthorisedRegistry } from "../support/authorised-registries.ts";
import { GITLAB_ISSUER, type GitLabIssuer, startGitLabIssuer } from "../support/gitlab-issuer.ts";
import { TEST_CREDENTIALS } from "../support/gitlab-issuer-world.ts";
import { GITLAB_SIGNING_KEY } from "../support/gitlab-signing-key.ts";
import { startGoRegistry } from "../support/go-registry.ts";
import { describeWithPrograms, programPath } from "../support/programs.ts";
import { RegistryTree, type RepositoryTree } from "../support/registry-tree.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

const REPOSITORY = "team/private-open";
const KEPT = ["latest", "v1.0", "v2.0"];
const OLD = ["dev-1", "dev-2", "dev-3"];
const { maintainer, reporter } = TEST_CREDENTIALS;

const ends: (() => Promise<unknown>)[] = [];
afterEach(async () => {
  for (const end of ends.splice(0).reverse()) await end();
});

interface Filled {
  tree: RepositoryTree;
  images: Digest[];
}

/** Tags to go and to stay on one image, and one that has its own. */
async function fill(rootDirectory: string): Promise<Filled> {
  const tree = new RegistryTree(new FilesystemDriver({ rootDirectory })).repository(REPOSITORY);
  const shared = await tree.image("shared", ["a layer"]);
  for (const tag of [...KEPT, "dev-1", "dev-2"]) await tree.tag(tag, shared.digest);
  const own = await tree.image("own", ["another layer"], { tag: "dev-3" });
  return { tree, images: [shared.digest, own.digest] };
}

async function tagsOf({ tree }: Filled): Promise<string[]> {
  const prefix = `/docker/registry/v2/repositories/${REPOSITORY}/_manifests/tags/`;
  const files = await tree.tree.files(prefix.slice(0, -1));
  return [...new Set(files.map((path) => path.slice(prefix.length).split("/")[0] ?? ""))].sort();
}

/** The steps of GitLab's page on deleting many tags: list, edit the list, delete what is left in it. */
async function listEditDelete(
  url: string,
  options: readonly string[],
  env: Record<string, string> = {},
): Promise<Awaited<ReturnType<typeof runRegistryCtl>>> {
  const folder = await temporaryFolder();
  const file = join(folder, "list_o_tags.out");
  const over = ["--registry", url, ...options];
  const listed = await runRegistryCtl(["tags", "list", ...over, "--format", "names", REPOSITORY], { env });
  expect(listed, listed.stderr).toMatchObject({ exitCode: 0 });
  expect(listed.stdout.split("\n").sort()).toEqual([...KEPT, ...OLD].sort());
  await writeFile(file, `${listed.stdout}\n`);
  await execa("sed", ["-i", "/^v/d; /^latest$/d", file]);
  return runRegistryCtl(["tags", "delete", ...over, "--from-file", file, "--yes", REPOSITORY], { env });
}

async function expectDeleted(
  filled: Filled,
  result: Awaited<ReturnType<typeof runRegistryCtl>>,
): Promise<void> {
  expect(result, result.stderr).toMatchObject({ exitCode: 0 });
  expect(await tagsOf(filled)).toEqual([...KEPT].sort());
  await expectSound(filled);
}

/** Nothing of the images has gone: neither bytes nor links. */
async function expectSound({ tree, images }: Filled): Promise<void> {
  for (const digest of images) expect(await tree.missingFor(digest)).toEqual([]);
}

/** The Go registry 2.8 has no call for a tag alone. */
async function expectRefused(
  filled: Filled,
  result: Awaited<ReturnType<typeof runRegistryCtl>>,
): Promise<void> {
  expect(result).toMatchObject({ exitCode: 12, stdout: "" });
  expect(result.stderr).toContain("cannot remove a tag alone: it answers 400 DIGEST_INVALID");
  expect(result.stderr).toContain("remove the tags in its storage");
  expect(await tagsOf(filled)).toEqual([...KEPT, ...OLD].sort());
  await expectSound(filled);
}

const STARTS = { "registry-ctl": startServe, "docker-registry": startGoRegistry };

for (const program of ["registry-ctl", "docker-registry"] as const) {
  const expectEnd = program === "registry-ctl" ? expectDeleted : expectRefused;

  describeWithPrograms(
    program === "registry-ctl" ? ["htpasswd"] : ["htpasswd", "docker-registry"],
    `tags of ${program} over HTTP`,
    () => {
      it("are listed, chosen with sed and deleted from the file without anybody asking who it is", async () => {
        const rootDirectory = join(await temporaryFolder(), "store");
        const server = await STARTS[program]({ rootDirectory });
        ends.push(() => server.stop());
        const filled = await fill(rootDirectory);
        await expectEnd(filled, await listEditDelete(server.url, []));
      });

      it("are listed, chosen with sed and deleted from the file with a user's password", async () => {
        const folder = await temporaryFolder();
        const users = join(folder, "htpasswd");
        await execa(programPath("htpasswd"), ["-Bbc", users, "me", "hunter2"]);
        const server = await STARTS[program]({
          rootDirectory: join(folder, "store"),
          moreConfig: `auth:\n  htpasswd:\n    realm: ours\n    path: ${users}\n`,
        });
        ends.push(() => server.stop());
        const filled = await fill(join(folder, "store"));
        const env = { REGISTRY_CTL_USERNAME: "me", REGISTRY_CTL_PASSWORD: "hunter2" };
        const result = await listEditDelete(server.url, [], env);
        await expectEnd(filled, result);
        expect(`${result.stdout}${result.stderr}`).not.toContain("hunter2");
        const wrong = await runRegistryCtl(["tags", "list", "--registry", server.url, REPOSITORY], {
          env: { ...env, REGISTRY_CTL_PASSWORD: "hunter3" },
        });
        expect(wrong).toMatchObject({ exitCode: 1, stdout: "" });
        expect(wrong.stderr).toContain(`does not let us pull from ${REPOSITORY} (401)`);
        expect(wrong.stderr).not.toContain("hunter3");
      });

      it("are listed, chosen with sed and deleted from the file with tokens", async () => {
        const { server, folder, filled } = await startWithTokens(program);
        const auth = Buffer.from(`${maintainer.username}:${maintainer.password}`).toString("base64");
        const file = join(folder, "auth.json");
        await writeFile(file, JSON.stringify({ auths: { [new URL(server.url).host]: { auth } } }));
        await expectEnd(filled, await listEditDelete(server.url, ["--auth-file", file]));
      });

      it("are listed, chosen with sed and deleted from the file with tokens that it signs itself", async () => {
        const { server, folder, filled, issuer } = await startWithTokens(program);
        const key = join(folder, "registry.key");
        await writeFile(key, GITLAB_SIGNING_KEY);
        const result = await listEditDelete(server.url, ["--key", key, "--issuer", GITLAB_ISSUER]);
        await expectEnd(filled, result);
        expect(issuer.requests).toEqual([]);
      });
    },
  );
}

/** GitLab's own tokens say nothing of how long they live. */
async function startWithTokens(
  program: "registry-ctl" | "docker-registry",
): Promise<AuthorisedRegistry & { issuer: GitLabIssuer; filled: Filled }> {
  const issuer = await startGitLabIssuer();
  ends.push(() => issuer.close());
  const registry = await startAuthorisedRegistry(program, issuer);
  ends.push(
    () => registry.server.stop(),
    () => rm(registry.folder, { recursive: true, force: true }),
  );
  return { ...registry, issuer, filled: await fill(join(registry.folder, "registry")) };
}

describe("credentials of tags over HTTP", () => {
  it("come from the program that docker's configuration names, and from a GitLab job for its own registry", async () => {
    const { server, folder, filled } = await startWithTokens("registry-ctl");
    const { host } = new URL(server.url);
    const docker = join(folder, "docker");
    await mkdir(docker);
    await writeFile(join(docker, "config.json"), JSON.stringify({ credHelpers: { [host]: "ours" } }));
    const helper = join(docker, "docker-credential-ours");
    const answer = JSON.stringify({
      ServerURL: host,
      Username: maintainer.username,
      Secret: maintainer.password,
    });
    await writeFile(helper, `#!/bin/sh\n[ "$1" = get ] && [ "$(cat)" = '${host}' ] && echo '${answer}'\n`);
    await chmod(helper, 0o755);
    const env = { DOCKER_CONFIG: docker, PATH: `${docker}:${process.env["PATH"]}` };
    const list = (more: Record<string, string>) =>
      runRegistryCtl(["tags", "list", "--registry", server.url, "--format", "names", REPOSITORY], {
        env: more,
      });
    expect(await list(env)).toMatchObject({ exitCode: 0 });
    const job = { CI_REGISTRY_USER: maintainer.username, CI_REGISTRY_PASSWORD: maintainer.password };
    const mine = await list({ ...job, CI_REGISTRY: host });
    expect(mine).toMatchObject({ exitCode: 0 });
    expect(mine.stderr).toContain("credentials: the variables of the GitLab job");
    const others = await list({ ...job, CI_REGISTRY: "registry.gitlab.com" });
    expect(others).toMatchObject({ exitCode: 1 });
    expect(others.stderr).toContain("no credentials");
    expect(await tagsOf(filled)).toHaveLength(6);
  });

  it("that may only read delete nothing, and it is said why", async () => {
    const { server, filled } = await startWithTokens("registry-ctl");
    const env = { REGISTRY_CTL_USERNAME: reporter.username, REGISTRY_CTL_PASSWORD: reporter.password };
    const result = await listEditDelete(server.url, [], env);
    expect(result).toMatchObject({ exitCode: 1 });
    expect(result.stderr).toContain(`does not let us delete from ${REPOSITORY}`);
    expect(await tagsOf(filled)).toHaveLength(6);
  });

  it("never stand on the command line, and options fit together", async () => {
    const folder = await temporaryFolder();
    await writeFile(join(folder, "config.json"), "{hunter2");
    const wrong: [string[], string][] = [
      [["--registry", "https://me:hunter2@registry.example"], "must hold no user and no password"],
      [["--registry", "registry.example"], "is https://host"],
      [["--auth-file", "x"], "--auth-file is of no use without --registry"],
      [["--registry", "https://registry.example", "--issuer", "x"], "--issuer is of no use without --key"],
      [["--registry", "https://registry.example", "--key", "x"], "--key needs to know whose tokens"],
      [["--registry", "https://registry.example", "--ca", "/nowhere"], "there is no such file"],
      [["--registry", "https://registry.example", "-c", "x"], "give one of them"],
      [["--registry", "https://registry.example", "--older-than", "1d"], "when tags were pushed"],
      [["--registry", "https://registry.example", "--sort", "pushed"], "when tags were pushed"],
      [["--registry", "https://registry.example"], "config.json is no JSON"],
    ];
    for (const [options, message] of wrong) {
      const result = await runRegistryCtl(["tags", "list", ...options, "a/b"], {
        env: { DOCKER_CONFIG: folder },
      });
      expect(result, options.join(" ")).toMatchObject({ exitCode: 2, stdout: "" });
      expect(result.stderr).toContain(message);
      expect(result.stderr).not.toContain("hunter2");
    }
  });
});
