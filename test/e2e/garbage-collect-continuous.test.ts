import { join } from "node:path";
import { expect, it, onTestFinished } from "vitest";
import { RegistryHttp } from "../support/registry-http.ts";
import { runRegistryCtl } from "../support/run-registry-ctl.ts";
import { startServe } from "../support/serve-process.ts";
import { temporaryFolder } from "../support/temporary-folder.ts";

it("collects without a command or a schedule, and status shows it as any other run", {
  timeout: 150_000,
}, async () => {
  const rootDirectory = join(await temporaryFolder(), "registry");
  // The first run begins at a random moment of the first interval, of which this is the shortest.
  const moreConfig = "gc: {disabled: false, interval: 1m, reviewafter: -1}\n";
  const server = await startServe({ rootDirectory, moreConfig });
  const client = new RegistryHttp(server.url);
  onTestFinished(async () => {
    client.close();
    await server.stop();
  });
  for (let number = 0; number < 9; number++) {
    await client.pushImage("app", `v${number}`, [Buffer.from(`layer ${number}`)]);
  }
  const old = await client.pushImage("app", "latest", [Buffer.from("old")]);
  const current = await client.pushImage("app", "latest", [Buffer.from("current")]);
  const status = async (): Promise<unknown> => {
    const { stdout } = await runRegistryCtl([
      ...["garbage-collect", "status", "--json"],
      ...["--state-dir", `${rootDirectory}.state`, server.configPath],
    ]);
    return JSON.parse(stdout).last;
  };

  await expect.poll(status, { timeout: 120_000, interval: 3000 }).toMatchObject({
    outcome: "done",
    options: { deleteUntagged: true, graceSeconds: 0, maxDeletePercent: 30 },
    deleted: { manifests: 1, blobs: 3 },
  });
  const { stdout } = await runRegistryCtl([
    ...["history", "--json", "--state-dir", `${rootDirectory}.state`, server.configPath],
  ]);
  expect(JSON.parse(stdout).entries).toContainEqual(
    expect.objectContaining({
      ...{ source: "command", command: "garbage-collect", outcome: "done", exitCode: 0 },
      arguments: expect.arrayContaining(["--delete-untagged"]),
      summary: expect.stringMatching(/^deleted 1 manifests, 3 blobs .*by the server itself/),
    }),
  );
  await client.expectComplete(current);
  await expect(client.expectComplete(old)).rejects.toThrow();
});
