import { expect, onTestFinished, test } from "vitest";
import { startFakeGitLab } from "../../../support/fake-gitlab.ts";
import { gitLabClient } from "../../../support/gitlab-client.ts";
import { httpProxyOfTest } from "../../../support/http-proxy.ts";
import { testAuthority } from "../../../support/tls-files.ts";

const TOKEN = "glpat-Secret_of-Nobody99";

async function behindProxy(refuses: boolean) {
  const authority = await testAuthority("authority of a test");
  const tls = await authority.issue("gitlab.example");
  const fake = await startFakeGitLab({ token: TOKEN, projects: [], tls });
  const proxy = await httpProxyOfTest({ port: Number(new URL(fake.url).port), refuses });
  const client = gitLabClient("https://gitlab.example", TOKEN, {
    ca: authority.cert,
    env: { https_proxy: proxy.url },
  });
  onTestFinished(async () => {
    await client.close();
    await fake.close();
  });
  return { ...client, proxy };
}

test("a proxy on the way carries what it cannot read", async () => {
  const { api, proxy } = await behindProxy(false);
  expect(await api.user()).toEqual({ name: "root", isAdministrator: true });
  expect(proxy.asked).toEqual(["CONNECT gitlab.example:443"]);
});

test("a proxy that refuses is named", async () => {
  const { api, proxy } = await behindProxy(true);
  const { host } = new URL(proxy.url);
  await expect(api.user()).rejects.toThrow(`through the proxy ${host} of the environment`);
});
