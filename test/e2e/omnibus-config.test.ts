import { expect, it, onTestFinished } from "vitest";
import { makeOmnibusHost } from "../support/omnibus-host.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";

it("config check takes the config.yml of a GitLab package without complaint", async () => {
  const host = omnibusHost();
  const result = await runRegistryCtl(["config", "check", host.configFile]);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stderr).not.toMatch(/error:/);
});

it("serve wants the certificate that the config.yml of a GitLab package names, and exits 10 without it", async () => {
  const host = omnibusHost();
  const result = await runRegistryCtl(["serve", host.configFile]);
  expect(result.exitCode, result.stderr).toBe(10);
  expect(result.stdout).toBe("");
  expect(result.stderr).toContain("auth.token.rootcertbundle");
  expect(result.stderr).toContain("the file is empty");
});

it("config show prints effective values and masks secrets", async () => {
  const host = omnibusHost();
  const result = await runRegistryCtl(["config", "show", "--effective", host.configFile]);
  expect(result.exitCode, result.stderr).toBe(0);
  expect(result.stdout).toContain(host.storageRoot);
  expect(result.stdout).not.toContain("0123456789abcdef0123456789abcdef");
});

function omnibusHost() {
  const host = makeOmnibusHost();
  onTestFinished(() => host.remove());
  return host;
}
